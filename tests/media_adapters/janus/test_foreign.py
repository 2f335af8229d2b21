"""Somebody else in the same VideoRoom, with an independent client: what we publish is what Janus says it is."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from media_adapters.events import TrackStarted
from media_adapters.models import RoomSpec
from tests.support.janus import Server
from tests.support.media import PATIENCE, Stage


@pytest.fixture
def contained_logging() -> Iterator[None]:
    """janus-client sets up the root logger when it is imported, and logs every message with its secrets."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)
    root.setLevel(level)
    root.handlers[:] = handlers


class Screen:
    """Stands where janus-client expects a recorder; counts what it is shown, by kind."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    def addTrack(self, track: MediaStreamTrack) -> None:  # noqa: N802 - aiortc's name
        self._tasks.add(asyncio.create_task(self._watch(track)))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                await track.recv()
                self.seen.put_nowait(track.kind)
        except MediaStreamError:
            return


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # janus-client uses the old names of websockets
async def test_somebody_with_another_client_sees_and_hears_what_we_publish(
    lobby: Stage, server: Server, contained_logging: None
) -> None:
    from janus_client import (  # type: ignore[import-untyped]  # noqa: PLC0415 - it logs secrets from its import on
        JanusSession,
        JanusVideoRoomPlugin,
    )

    alice = lobby.person("alice")
    await alice.publishes_microphone()
    camera = await alice.publishes_camera()
    await lobby.event(TrackStarted, lambda event: event.track.id == camera)
    node: Any = lobby.node
    room: Any = node._rooms[lobby.room].id

    visitor, watcher, screen = JanusVideoRoomPlugin(), JanusVideoRoomPlugin(), Screen()
    async with JanusSession(base_url=server.access.url, api_secret=server.access.api_secret) as session:
        await visitor.attach(session)
        (publisher,) = (await visitor.join_as_publisher(room, publisher_id="visitor"))["publishers"]
        assert [stream["type"] for stream in publisher["streams"]] == ["audio", "video"]
        await watcher.attach(session)
        await watcher.subscribe_to_publisher(room, [{"feed": publisher["id"]}], recorder=screen)
        kinds: set[str] = set()
        async with asyncio.timeout(PATIENCE):
            while kinds != {"audio", "video"}:
                kinds.add(await screen.seen.get())
        await lobby.node.open_room(lobby.room, RoomSpec())
        assert [status.peer for status in await lobby.node.peers(lobby.room)] == [alice.ref], "no visitor in our books"
        await watcher.destroy()
        await visitor.destroy()
