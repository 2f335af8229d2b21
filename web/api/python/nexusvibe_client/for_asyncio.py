"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self, Unpack

import httpx

from nexusvibe_client import models, wire
from nexusvibe_client.errors import NexusVibeError, Unreachable
from nexusvibe_client.wire import Call, Seen

Before = Literal["*"]


class AsyncNexusVibe:
    """Asks the REST API at `url` (any replica, or what stands before them) with an API key.

    Lists come as one stream over all their pages. What makes something carries an idempotency key; it and every
    question are tried up to three times when no answer comes or the server says that it may be tried again. Raises
    `NexusVibeError` as `errors` tells. May be shared by everything that a process does; `timeout` is in seconds.
    """

    def __init__(
        self, url: str, key: str, *, timeout: float = 10.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=timeout, transport=transport
        )
        self.rooms = AsyncRooms(self)
        self.tokens = AsyncTokens(self)
        self.participants = AsyncParticipants(self)
        self.bans = AsyncBans(self)
        self.messages = AsyncMessages(self)
        self.turn = AsyncTurn(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def ask(self, call: Call) -> Any:
        """The answer's JSON; None for one without."""
        response = await self.send(call)
        return response.json() if response.content else None

    async def read(self, call: Call, known: Seen[Any] | None = None) -> Seen[Any]:
        response = await self.send(call)
        if known is not None and response.status_code == httpx.codes.NOT_MODIFIED:
            return known
        return Seen(response.json(), response.headers["ETag"])

    async def pages(self, name: str, *parts: str, **query: str | None) -> AsyncIterator[Any]:
        after: str | None = None
        while True:
            page = await self.ask(wire.get(*parts, query={**query, "limit": "100", "after": after}))
            for each in page[name]:
                yield each
            after = page["next"]
            if after is None:
                return

    async def send(self, call: Call) -> httpx.Response:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._send_once(call)
            except NexusVibeError as error:
                wait = wire.pause(error, attempt, call)
                if wait is None:
                    raise
            await asyncio.sleep(wait)

    async def _send_once(self, call: Call) -> httpx.Response:
        try:
            response = await self._http.request(
                call.method, call.path, json=call.body, params=call.query, headers=call.headers
            )
        except httpx.TransportError as error:
            raise Unreachable(f"{self._http.base_url} gave no answer: {error or type(error).__name__}") from error
        wire.expect_success(response)
        return response


class AsyncTokens:
    def __init__(self, api: AsyncNexusVibe) -> None:
        self._api = api

    async def mint(
        self, *, idempotency_key: str | None = None, **grants: Unpack[models.TokenRequest]
    ) -> models.MintedToken:
        """A room token, for one person's browser. With the same key as before, within a day, the same one."""
        minted: models.MintedToken = await self._api.ask(wire.make("tokens", body=grants, key=idempotency_key))
        return minted


class AsyncRooms:
    """Rooms that were made, or that people are in now, and how they are run."""

    def __init__(self, api: AsyncNexusVibe) -> None:
        self._api = api

    async def create(self, *, idempotency_key: str | None = None, **request: Unpack[models.RoomRequest]) -> models.Room:
        room: models.Room = await self._api.ask(wire.make("rooms", body=request, key=idempotency_key))
        return room

    def list(self, prefix: str | None = None) -> AsyncIterator[models.RoomListed]:
        return self._api.pages("rooms", "rooms", prefix=prefix)

    async def get(self, room: str) -> models.Room:
        found: models.Room = await self._api.ask(wire.get("rooms", room))
        return found

    async def move(self, room: str, **to: Unpack[models.MoveRequest]) -> None:
        """Move the call to another media server while it goes on; `get` tells when it is over, and where it is then."""
        await self._api.ask(wire.act("rooms", room, "move", body=to))

    async def close(self, room: str) -> None:
        """Send everybody away; how the room is run stays."""
        await self._api.ask(wire.act("rooms", room, "close"))

    async def delete(self, room: str) -> None:
        """Send everybody away and forget how the room is run; bans stay."""
        await self._api.ask(wire.act("rooms", room, method="DELETE"))

    async def policy(self, room: str, known: Seen[models.Policy] | None = None) -> Seen[models.Policy]:
        """With `known`, that again if it is still so."""
        return await self._api.read(wire.get("rooms", room, "policy", known=known), known)

    async def update_policy(
        self, room: str, seen: Seen[models.Policy] | Before, **changes: Unpack[models.PolicyChange]
    ) -> Seen[models.Policy]:
        """Only what is given changes, at once for who is in the room. `seen` is what `policy` returned, or `ANYWAY`."""
        return await self._api.read(wire.change("rooms", room, "policy", body=changes, seen=seen))

    async def attributes(self, room: str, known: Seen[models.AttributeSet] | None = None) -> Seen[models.AttributeSet]:
        return await self._api.read(wire.get("rooms", room, "attributes", known=known), known)

    async def update_attributes(
        self, room: str, seen: Seen[models.AttributeSet] | Before, changes: Mapping[str, str | None]
    ) -> Seen[models.AttributeSet]:
        """What is left out stays; None removes one."""
        body = {"attributes": changes}
        return await self._api.read(wire.change("rooms", room, "attributes", body=body, seen=seen))


class AsyncParticipants:
    """Who is in a room now. A participant's id is another in each stay."""

    def __init__(self, api: AsyncNexusVibe) -> None:
        self._api = api

    def list(self, room: str, identity: str | None = None) -> AsyncIterator[models.Participant]:
        return self._api.pages("participants", "rooms", room, "participants", identity=identity)

    async def get(self, room: str, participant: str) -> models.Participant:
        found: models.Participant = await self._api.ask(wire.get("rooms", room, "participants", participant))
        return found

    async def kick(self, room: str, participant: str, **request: Unpack[models.KickRequest]) -> None:
        """Send them away, and close the tokens that were issued until now."""
        await self._act(room, participant, "kick", body=request)

    async def ban(
        self,
        room: str,
        participant: str,
        *,
        idempotency_key: str | None = None,
        **request: Unpack[models.ParticipantBanRequest],
    ) -> models.Ban:
        """Send them away, and keep their identity out."""
        call = wire.make("rooms", room, "participants", participant, "ban", body=request, key=idempotency_key)
        ban: models.Ban = await self._api.ask(call)
        return ban

    async def mute(self, room: str, participant: str, source: models.TrackSource) -> None:
        """Only they can unmute."""
        await self._act(room, participant, "mute", body={"source": source})

    async def mute_track(self, room: str, participant: str, track: str) -> None:
        await self._act(room, participant, "tracks", track, "mute")

    async def stop_track(self, room: str, participant: str, track: str) -> None:
        await self._act(room, participant, "tracks", track, method="DELETE")

    async def lower_hand(self, room: str, participant: str) -> None:
        await self._act(room, participant, "hand", method="DELETE")

    async def admit(self, room: str, participant: str) -> None:
        """Let somebody in who waits in the lobby."""
        await self._act(room, participant, "admit")

    async def deny(self, room: str, participant: str) -> None:
        """Send somebody away who waits in the lobby."""
        await self._act(room, participant, "deny")

    async def permissions(
        self, room: str, participant: str, known: Seen[models.Permissions] | None = None
    ) -> Seen[models.Permissions]:
        call = wire.get("rooms", room, "participants", participant, "permissions", known=known)
        return await self._api.read(call, known)

    async def update_permissions(
        self,
        room: str,
        participant: str,
        seen: Seen[models.Permissions] | Before,
        **changes: Unpack[models.PermissionsChange],
    ) -> Seen[models.Permissions]:
        """Only what is given changes; tracks that may not be sent any more end at once."""
        call = wire.change("rooms", room, "participants", participant, "permissions", body=changes, seen=seen)
        return await self._api.read(call)

    async def attributes(
        self, room: str, participant: str, known: Seen[models.AttributeSet] | None = None
    ) -> Seen[models.AttributeSet]:
        call = wire.get("rooms", room, "participants", participant, "attributes", known=known)
        return await self._api.read(call, known)

    async def update_attributes(
        self,
        room: str,
        participant: str,
        seen: Seen[models.AttributeSet] | Before,
        changes: Mapping[str, str | None],
    ) -> Seen[models.AttributeSet]:
        """What is left out stays; None removes one."""
        parts = ("rooms", room, "participants", participant, "attributes")
        return await self._api.read(wire.change(*parts, body={"attributes": changes}, seen=seen))

    async def _act(
        self, room: str, participant: str, *what: str, method: str = "POST", body: Mapping[str, Any] | None = None
    ) -> None:
        await self._api.ask(wire.act("rooms", room, "participants", participant, *what, method=method, body=body))


class AsyncBans:
    """Who is kept out of a room, kicks too."""

    def __init__(self, api: AsyncNexusVibe) -> None:
        self._api = api

    def list(self, room: str, identity: str | None = None) -> AsyncIterator[models.Ban]:
        return self._api.pages("bans", "rooms", room, "bans", identity=identity)

    async def create(
        self, room: str, *, idempotency_key: str | None = None, **request: Unpack[models.BanRequest]
    ) -> models.Ban:
        """Keep an identity out, whether it is there now or not."""
        ban: models.Ban = await self._api.ask(wire.make("rooms", room, "bans", body=request, key=idempotency_key))
        return ban

    async def delete(self, room: str, ban: str) -> None:
        await self._api.ask(wire.act("rooms", room, "bans", ban, method="DELETE"))


class AsyncMessages:
    """The chat of a room that people are in now."""

    def __init__(self, api: AsyncNexusVibe) -> None:
        self._api = api

    def list(self, room: str) -> AsyncIterator[models.Message]:
        return self._api.pages("messages", "rooms", room, "messages")

    async def send(
        self, room: str, *, idempotency_key: str | None = None, **request: Unpack[models.MessageRequest]
    ) -> models.Message:
        call = wire.make("rooms", room, "messages", body=request, key=idempotency_key)
        message: models.Message = await self._api.ask(call)
        return message


class AsyncTurn:
    """Relays, for who connects by other ways than a room; people in rooms are given theirs."""

    def __init__(self, api: AsyncNexusVibe) -> None:
        self._api = api

    async def ice_servers(self, user: str, region: str | None = None) -> models.IceServersAnswer:
        """Best first, with a credential for `user`, by whom use is counted."""
        call = wire.get("ice-servers", query={"user": user, "region": region})
        servers: models.IceServersAnswer = await self._api.ask(call)
        return servers

    async def usage(self, room: str, days: int | None = None) -> models.Usage:
        """What the people of a room relayed on the last days, and what it cost."""
        call = wire.get("rooms", room, "usage", query={"days": None if days is None else str(days)})
        usage: models.Usage = await self._api.ask(call)
        return usage
