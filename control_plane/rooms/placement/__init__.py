"""Where a room's media live, and how they get elsewhere while people go on talking.

`machine` decides and `steps` says what changes; neither does any I/O. `runner` does what they say.
"""
