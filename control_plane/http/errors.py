"""What can go wrong with a request, beyond `control_plane.errors`."""

from control_plane.errors import ControlPlaneError


class InvalidKey(ControlPlaneError):
    """The API key is missing, unknown, revoked, expired or misspelt; which of them is not told."""

    code, status = "invalid_key", 401


class UnknownPath(ControlPlaneError):
    code, status = "unknown_path", 404


class MethodNotAllowed(ControlPlaneError):
    code, status = "method_not_allowed", 405


class KeyReused(ControlPlaneError):
    """An idempotency key came again with another request."""

    code, status = "idempotency_key_reused", 409
