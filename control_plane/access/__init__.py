"""Who may enter: room tokens and what they grant."""
