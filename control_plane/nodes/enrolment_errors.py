"""Why a node is not taken in, and why one that is known is not heard."""

from typing import ClassVar

from control_plane.errors import ControlPlaneError


class EnrolmentRefused(ControlPlaneError):
    """The token, the key or a signature is not what it should be; a stranger is not told which."""

    code, status = "enrolment_refused", 401
    sentence: ClassVar[str] = "The enrolment is not accepted."

    def __init__(self) -> None:
        super().__init__(self.sentence)


class EnrolmentExpired(EnrolmentRefused):
    """Told to who has the whole token."""

    code, status = "enrolment_expired", 401
    sentence = "The enrolment token has expired: `nexusvibe node add` makes another."


class EnrolmentUsed(EnrolmentRefused):
    """Told to who has the whole token."""

    code, status = "enrolment_used", 409
    sentence = "The enrolment token was used by another machine: if that was not you, remove that node."
