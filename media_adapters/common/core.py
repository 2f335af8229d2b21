"""For an adapter that declares no capability yet: what needs one is refused."""

from media_adapters.errors import Unsupported


class CoreOnly:
    """Inherit from it, override a call, and declare its capability."""

    async def _refuse(self, *_values: object, **_named: object) -> None:
        raise Unsupported("This adapter does not declare it.")

    play = restart_ice = mute_track = tap = untap = request_key_frame = _refuse
