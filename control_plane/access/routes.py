"""REST: who asks, and the room tokens that they may mint."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from pydantic import Field

from control_plane.access.idempotency import Idempotency, Once, Repeatable
from control_plane.access.keys import ApiKeys
from control_plane.access.tokens import MAX_TTL_S, Grants, RoomName, RoomTokens, SignedToken, VerifiedToken
from control_plane.clock import Clock, SystemClock
from control_plane.errors import ExpiredToken, NotAllowed
from control_plane.http.errors import InvalidKey, KeyReused
from control_plane.http.operation import WHOLE, Answer, Body, Caller, Operation
from control_plane.ids import Identity
from control_plane.names import Attributes, DisplayName, IdentityText
from media_adapters.models import TrackSource


class TokenRequest(Body):
    """What the bearer of a room token may do."""

    room: Annotated[RoomName, Field(description="The room that it opens.")]
    identity: Annotated[
        IdentityText | None, Field(description="Who it is for; left out, each join is a guest of its own.")
    ] = None
    name: Annotated[DisplayName | None, Field(description="The name shown; left out, the client chooses one.")] = None
    attributes: Annotated[
        Attributes, Field(default_factory=dict, description="What the application says of this person.")
    ]
    publish: Annotated[
        tuple[TrackSource, ...], Field(max_length=8, description="What may be sent; an empty list for nobody's eyes.")
    ] = tuple(TrackSource)
    subscribe: Annotated[bool, Field(description="May see and hear the others.")] = True
    chat: Annotated[bool, Field(description="May write to everybody.")] = True
    moderate: Annotated[bool, Field(description="May remove and ban others, and change what they may do.")] = False
    record: Annotated[bool, Field(description="May start and stop recording this room.")] = False
    own_attributes: Annotated[bool, Field(description="May change their own attributes.")] = False
    hidden: Annotated[bool, Field(description="Is not shown to others.")] = False
    ttl_s: Annotated[int, Field(ge=1, le=MAX_TTL_S, description="How long it is valid, in seconds."), WHOLE] = 3600

    def grants(self) -> Grants:
        chosen = self.model_dump(exclude={"ttl_s", "identity"})
        return Grants(identity=Identity(self.identity) if self.identity else None, **chosen)


class MintedToken(Answer):
    token: Annotated[str, Field(description="Give it to the person's browser; it is a secret until it has expired.")]
    room: str
    jti: Annotated[str, Field(description="Names the token.")]
    expires_at: Annotated[int, Field(description="Seconds since 1970.")]


class KeyAuthentication:
    """Turns `Authorization: Bearer nv_…` into who asks."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def __call__(self, header: str) -> Caller:
        """Raises `InvalidKey`, `Unavailable`."""
        scheme, _, shown = header.partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidKey("Send an API key, as `Authorization: Bearer nv_…`.")
        key = await self._keys.authenticate(shown.strip())
        return Caller(key.id, key.room_prefix)


class TokenRoutes:
    """`is_closed` says whether a kick has closed a token; it may raise `Unavailable`."""

    def __init__(
        self,
        tokens: RoomTokens,
        idempotency: Idempotency,
        is_closed: Callable[[VerifiedToken], Awaitable[bool]],
        clock: Clock | None = None,
    ) -> None:
        self._tokens = tokens
        self._idempotency = idempotency
        self._is_closed = is_closed
        self._clock = clock or SystemClock()

    def operations(self) -> list[Operation[Repeatable, TokenRequest]]:
        return [
            Operation(
                name="mintToken",
                method="POST",
                path="/v1/tokens",
                summary="Mint a room token",
                description="Lets its bearer into one room, which need not exist yet. Mint one for each person.",
                tag="tokens",
                parameters=Repeatable,
                body=TokenRequest,
                answer=MintedToken,
                status=201,
                errors=(NotAllowed, KeyReused),
                handle=self._mint,
            )
        ]

    async def _mint(self, caller: Caller, parameters: Repeatable, body: TokenRequest) -> MintedToken:
        caller.expect_room(body.room)
        once = await self._idempotency.first(caller, parameters, body, "mintToken")
        minted = self._signed(body, once)
        if once is not None and await self._is_spent(minted):
            minted = self._signed(body, await self._idempotency.anew(caller, parameters, body, "mintToken"))
        return MintedToken(token=minted.text, room=body.room, jti=minted.jti, expires_at=minted.expires_at)

    async def _is_spent(self, minted: SignedToken) -> bool:
        try:
            return await self._is_closed(self._tokens.verify(minted.text))
        except ExpiredToken:
            return True

    def _signed(self, body: TokenRequest, once: Once | None) -> SignedToken:
        """The same claims at the same time give the same signature: the token itself is never stored."""
        if once is None:
            return self._tokens.mint_at(int(self._clock.now()), body.grants(), body.ttl_s)
        return self._tokens.mint_at(once.at, body.grants(), body.ttl_s, f"j_{once.seed[:32]}")
