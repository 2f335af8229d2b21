"""What can go wrong with keys, beyond `control_plane.errors`."""

from control_plane.errors import ControlPlaneError


class UnknownKey(Exception):
    """There is no such key, or it is revoked."""


class InvalidKey(ControlPlaneError):
    """The API key is unknown, revoked, expired or misspelt; which of them is not told."""

    code, status = "invalid_key", 401
