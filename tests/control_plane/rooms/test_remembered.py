"""What a replica remembers of rooms, while many ask at once and news comes in between."""

import asyncio

import pytest
from pydantic import TypeAdapter

from control_plane.clock import SystemClock
from control_plane.errors import Unavailable
from control_plane.ids import RoomId, new_id
from control_plane.rooms.remembered import Remembered, RoomCache
from control_plane.state import Redis


class Oracle:
    """A database that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers: asyncio.Queue[str | Exception] = asyncio.Queue()
        self._questions: asyncio.Queue[None] = asyncio.Queue()

    async def is_asked(self) -> None:
        """The next question has come."""
        async with asyncio.timeout(5):
            await self._questions.get()

    async def ask(self, _: RoomId) -> str:
        self.asked += 1
        self._questions.put_nowait(None)
        answer = await self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def room() -> RoomId:
    return RoomId(new_id("room"))


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture
def remembered(redis: Redis, oracle: Oracle) -> Remembered[str]:
    cache = RoomCache(redis, "test", TypeAdapter(str), "nv:test")
    return Remembered(cache, oracle.ask, "unknown", SystemClock(), "test_unknown")


async def test_many_who_ask_at_once_are_one_question(remembered: Remembered[str], oracle: Oracle, room: RoomId) -> None:
    many = [asyncio.create_task(remembered.of(room)) for _ in range(20)]
    await oracle.is_asked()
    many[0].cancel()
    oracle.answers.put_nowait("yes")
    assert await asyncio.gather(*many[1:]) == ["yes"] * 19
    assert await remembered.of(room) == "yes"
    assert oracle.asked == 1


async def test_news_is_not_undone_by_what_was_asked_before_it(
    remembered: Remembered[str], oracle: Oracle, room: RoomId
) -> None:
    early = asyncio.create_task(remembered.of(room))
    await oracle.is_asked()
    remembered.remember(room, "news")
    late = asyncio.create_task(remembered.of(room))
    await oracle.is_asked()
    oracle.answers.put_nowait("old")
    assert await early == "old"
    assert remembered.known(room) == "news"
    oracle.answers.put_nowait("new")
    await late
    assert remembered.known(room) == "new"


async def test_without_an_answer_everybody_is_told_what_is_known(
    remembered: Remembered[str], oracle: Oracle, room: RoomId
) -> None:
    remembered.remember(room, "last")
    many = [asyncio.create_task(remembered.of(room)) for _ in range(3)]
    await oracle.is_asked()
    oracle.answers.put_nowait(Unavailable("away"))
    assert await asyncio.gather(*many) == ["last"] * 3
    assert room in remembered.unsure
