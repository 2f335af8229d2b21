"""Media nodes: who they are, what they carry, which of them takes a room, and how they are commanded."""
