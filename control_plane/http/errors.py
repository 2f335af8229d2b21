"""What can go wrong with a request, beyond `control_plane.errors`."""

from control_plane.errors import ControlPlaneError


class InvalidKey(ControlPlaneError):
    """The API key is missing, unknown, revoked, expired or misspelt; which of them is not told."""

    code, status = "invalid_key", 401


class UnknownPath(ControlPlaneError):
    code, status = "unknown_path", 404


class MethodNotAllowed(ControlPlaneError):
    code, status = "method_not_allowed", 405


class PreconditionFailed(ControlPlaneError):
    """It was changed since the caller has read it."""

    code, status = "precondition_failed", 412


class PreconditionRequired(ControlPlaneError):
    """A change that does not say of what."""

    code, status = "precondition_required", 428


class KeyReused(ControlPlaneError):
    """An idempotency key came again with another request."""

    code, status = "idempotency_key_reused", 409
