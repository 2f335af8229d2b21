"""Requests that were sent twice: the second is told what the first did.

What is remembered is what the first was and when, never what it answered: an answer may hold a secret, and whoever
answers can make the same answer again from these.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from control_plane.clock import Clock, SystemClock
from control_plane.errors import Unavailable
from control_plane.http.errors import KeyReused
from control_plane.http.operation import Body, Caller, In, Parameters
from control_plane.state import Redis
from control_plane.state.keys import idempotent

REMEMBERED_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Once:
    """When the first request of its kind came (s since the epoch), and a text that only it has, the same each time."""

    at: int
    seed: str


class Repeatable(Parameters):
    """Of an operation that makes something."""

    idempotency_key: Annotated[
        str | None,
        In("header"),
        Field(
            alias="Idempotency-Key",
            pattern=r"^[\x21-\x7e]{1,128}$",
            description="Sent again with the same request within a day, nothing is made a second time; what is of no "
            "use any more, as a token that a kick has closed, is made anew.",
        ),
    ] = None


class Idempotency:
    def __init__(self, redis: Redis, clock: Clock | None = None) -> None:
        self._redis = redis
        self._clock = clock or SystemClock()

    async def first(self, caller: Caller, parameters: Repeatable, body: Body, about: str) -> Once | None:
        """The first request with this idempotency key in a day, which may be this one; None for one without. `about`
        says what the body is for. Raises `KeyReused` when the key came with another request, `Unavailable`."""
        if parameters.idempotency_key is None:
            return None
        api_key, key = caller.key, parameters.idempotency_key
        name = idempotent(api_key, _digest(key))
        now, this = int(self._clock.now()), _digest(f"{about} {body.model_dump_json()}")
        mine = f"{this} {now} {secrets.token_hex(8)}"
        stored = await self._redis.execute("SET", name, mine, "NX", "GET", "EX", REMEMBERED_S)
        request, _, rest = (mine if stored is None else stored.decode()).partition(" ")
        at, _, salt = rest.partition(" ")
        if request != this:
            raise KeyReused("This idempotency key came with another request before.")
        if not at.isdigit():
            raise Unavailable("What is known of this idempotency key can't be read.")
        return Once(int(at), _digest(f"{api_key} {key} {at} {salt}"))

    async def anew(self, caller: Caller, parameters: Repeatable, body: Body, about: str) -> Once | None:
        """Let this request be the first: what an earlier one made is of no use any more. Raises `Unavailable`."""
        if parameters.idempotency_key is not None:
            await self._redis.execute("DEL", idempotent(caller.key, _digest(parameters.idempotency_key)))
        return await self.first(caller, parameters, body, about)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
