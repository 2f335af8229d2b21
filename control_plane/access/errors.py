"""What can go wrong with keys, beyond `control_plane.errors` and `control_plane.http.errors`."""


class UnknownKey(Exception):
    """There is no such key, or it is revoked."""
