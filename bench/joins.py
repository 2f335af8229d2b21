"""What a join costs a server: a websocket, a verified token, a place in a room that Redis knows of, and the word to the
others. Ours against Socket.IO with the Redis adapter, which does the same; both verify the same HS256 tokens.

Servers are processes of their own, and their CPU is read from /proc. Everybody who joins stays for the round: leaving
is not part of it. What ours does beside that, placing the room on a media node and preparing the media there, is in the
replica's figure, and the node's agent has one of its own.
"""

import io
from contextlib import redirect_stdout

from bench.contenders import Contender, contenders
from bench.joiners import Crowd
from bench.table import ROUNDS, Row
from control_plane.access.tokens import Grants, RoomTokens
from control_plane.ids import Identity
from tests.support.inprocess import TOKEN_SECRET

JOINS = 1000
AT_ONCE = 50
ROOM_OF = 4


async def measure() -> list[Row]:
    costs: dict[tuple[str, str], list[float]] = {}
    with redirect_stdout(io.StringIO()):  # what the servers say
        async with contenders() as both:
            for number in range(ROUNDS + 1):  # the first is to warm up
                for contender in both:
                    for part, cost in (await _round(contender, number)).items():
                        costs.setdefault((contender.name, part), []).append(cost)
    rows = [Row(f"{name}: CPU of {part}", "ms each", values[1:], digits=2) for (name, part), values in costs.items()]
    ours, theirs = costs["NexusVibe", "the replicas"][1:], costs["Socket.IO", "the servers"][1:]
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return [*rows, Row("the replica, of Socket.IO's server", "times", ratios, digits=2)]


async def _round(contender: Contender, number: int) -> dict[str, float]:
    """Milliseconds of CPU for each join, by part."""
    crowd = Crowd(contender.servers, contender.speech, AT_ONCE)
    shown = tokens_of_rooms(JOINS, ROOM_OF, f"round{number}")
    before = contender.spent()
    await crowd.join(shown, ROOM_OF)
    after = contender.spent()
    await crowd.leave()
    return {part: (after[part] - before[part]) / JOINS * 1e3 for part in after}


def tokens_of_rooms(people: int, room_of: int, prefix: str) -> list[str]:
    """A token for each of so many people, in rooms of `room_of`."""
    tokens = RoomTokens(TOKEN_SECRET)
    return [
        tokens.mint(Grants(room=f"{prefix}-{who // room_of}", identity=Identity(f"person{who}"), name="Somebody"))
        for who in range(people)
    ]
