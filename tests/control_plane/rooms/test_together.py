"""Questions about many rooms that become few."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from control_plane.errors import Unavailable
from control_plane.ids import RoomId
from control_plane.rooms.together import MOST_ROOMS, Together

A, B, C = RoomId("a"), RoomId("b"), RoomId("c")


class Slow:
    """Answers each question with its number, once it is let."""

    def __init__(self) -> None:
        self.asked: list[set[RoomId]] = []
        self.away = False
        self._began: asyncio.Queue[None] = asyncio.Queue()
        self._may_answer = asyncio.Semaphore(0)

    async def ask(self, rooms: Collection[RoomId]) -> Mapping[RoomId, int]:
        self.asked.append(set(rooms))
        number = len(self.asked)
        self._began.put_nowait(None)
        await self._may_answer.acquire()
        if self.away:
            raise Unavailable("away")
        return dict.fromkeys(rooms, number)

    async def begins(self) -> None:
        async with asyncio.timeout(5):
            await self._began.get()

    def answers(self) -> None:
        self._may_answer.release()


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def together(slow: Slow) -> Together[int]:
    return Together(slow.ask)


async def test_who_asks_meanwhile_shares_the_next_question_and_is_told_nothing_older(
    slow: Slow, together: Together[int]
) -> None:
    first = [asyncio.create_task(together.of(room)) for room in (A, B)]
    await slow.begins()
    late = [asyncio.create_task(together.of(room)) for room in (A, C)]
    slow.answers()
    assert await asyncio.gather(*first) == [1, 1]
    await slow.begins()
    slow.answers()
    assert await asyncio.gather(*late) == [2, 2]
    assert slow.asked == [{A, B}, {A, C}]


async def test_a_failure_is_of_those_who_asked_then(slow: Slow, together: Together[int]) -> None:
    slow.away = True
    asked = [asyncio.create_task(together.of(room)) for room in (A, B)]
    await slow.begins()
    slow.answers()
    assert all(isinstance(each, Unavailable) for each in await asyncio.gather(*asked, return_exceptions=True))
    slow.away = False
    slow.answers()
    assert await together.of(A) == 2


async def test_who_gives_up_leaves_the_question_to_the_others(slow: Slow, together: Together[int]) -> None:
    hasty, patient = asyncio.create_task(together.of(A)), asyncio.create_task(together.of(B))
    await slow.begins()
    hasty.cancel()
    slow.answers()
    assert await patient == 1


async def test_one_question_is_about_so_many_rooms_at_most(slow: Slow, together: Together[int]) -> None:
    rooms = [RoomId(f"r{number}") for number in range(MOST_ROOMS + 1)]
    for _ in range(2):
        slow.answers()
    answers = await asyncio.gather(*map(together.of, rooms))
    assert (answers[0], answers[-1]) == (1, 2)
    assert [len(each) for each in slow.asked] == [MOST_ROOMS, 1]
