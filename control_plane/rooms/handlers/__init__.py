"""What a connection may ask, one file per message family. Which handlers it has is what it may do."""

from control_plane.rooms.handlers.stages import Services, greet

__all__ = ["Services", "greet"]
