"""What somebody may do in a room: first what their token grants, then what moderators make of it."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from control_plane.access.tokens import Grants
from media_adapters.models import TrackKind, TrackSource

KIND_OF = {
    TrackSource.CAMERA: TrackKind.VIDEO,
    TrackSource.SCREEN: TrackKind.VIDEO,
    TrackSource.MICROPHONE: TrackKind.AUDIO,
    TrackSource.SCREEN_AUDIO: TrackKind.AUDIO,
}


_SOURCES = tuple(TrackSource)  # a loop over the enum itself is slow, and this is read with every person of every delta


def _in_order(value: Any) -> Any:
    """One order, so that equal sets are equal. What was an empty list is an empty object once Lua has written it."""
    if value == {}:
        return ()
    return tuple(source for source in _SOURCES if source in value) if isinstance(value, list | tuple) else value


class Permissions(BaseModel):
    """`publish` are the sources that may be sent. Without `subscribe` nothing is forwarded to this person.

    `hidden` holds for the whole stay: nobody appears or vanishes in the middle of a call. `own_attributes` lets them
    change their attributes, which else only the integrator does.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    publish: Annotated[tuple[TrackSource, ...], BeforeValidator(_in_order)] = _SOURCES
    subscribe: bool = True
    chat: bool = True
    moderate: bool = False
    hidden: bool = False
    own_attributes: bool = False

    @classmethod
    def granted(cls, grants: Grants) -> "Permissions":
        return cls.model_validate(grants.model_dump(include=set(cls.model_fields)))
