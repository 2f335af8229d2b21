"""A room as the bridge knows it."""

from media_adapters.common.room import Emit, TrackRoom
from media_adapters.mediasoup.bridge_client import BridgeClient
from media_adapters.models import RoomRef


class Room(TrackRoom):
    """`id` is the room's name in the bridge."""

    def __init__(self, ref: RoomRef, emit: Emit, bridge: BridgeClient) -> None:
        super().__init__(ref, emit)
        self.bridge = bridge
        self.id = bridge.new_name("room")
