"""What can go wrong with keys and tokens, beyond `control_plane.errors` and `control_plane.http.errors`."""

from control_plane.errors import ControlPlaneError


class UnknownKey(Exception):
    """There is no such key, or it is revoked."""


class UnknownIssuer(Exception):
    """There is no such issuer."""


class IssuerExists(Exception):
    """There is such an issuer already."""


class IssuerUnreachable(ControlPlaneError):
    """The keys of a token's issuer were never read, and can't be read now."""

    code, status, retryable = "issuer_unreachable", 503, True
