"""The control plane: rooms, placement on media nodes, signaling and everything above the media server."""
