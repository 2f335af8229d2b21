"""What can go wrong with a publisher's request, beyond `control_plane.errors` and `control_plane.rooms.errors`."""

from control_plane.errors import ControlPlaneError


class UnsupportedMediaType(ControlPlaneError):
    code, status = "unsupported_media_type", 415


class Unprocessable(ControlPlaneError):
    """The SDP is well-formed, but not what can be published here (RFC 9725 §4.4)."""

    code, status = "unprocessable", 422


class PreconditionRequired(ControlPlaneError):
    """A PATCH says by `If-Match` which ICE session it is about (RFC 6585 §3)."""

    code, status = "precondition_required", 428


class HeldElsewhere(ControlPlaneError):
    """Another replica has the offer that a restart of ICE needs: the same request may well reach it next time."""

    code, status, retryable = "held_elsewhere", 503, True


class OfferForgotten(ControlPlaneError):
    """The replica that had the offer is gone. Media go on; a restart of ICE takes a new POST."""

    code, status = "offer_forgotten", 409
