"""`GET /v1/ice-servers`: relays for integrators who connect by other ways than a room."""

from typing import Annotated

from pydantic import Field

from control_plane.errors import Unavailable
from control_plane.http.operation import Answer, Caller, In, Nothing, Operation, Parameters
from control_plane.turn.service import TurnRelays


class IceServersParameters(Parameters):
    user: Annotated[
        str,
        In("query"),
        Field(
            min_length=1,
            max_length=128,
            description="Who will use them: usage and quota count by it. Relays see a hash of it only.",
        ),
    ]
    region: Annotated[
        str | None, In("query"), Field(max_length=64, description="Where they are; servers there come first.")
    ] = None


class IceServerAnswer(Answer):
    """RTCIceServer."""

    urls: tuple[str, ...]
    username: Annotated[str | None, Field(description="Expiry and an opaque id.")]
    credential: str | None


class IceServersAnswer(Answer):
    ice_servers: Annotated[
        tuple[IceServerAnswer, ...], Field(description="Best first; empty when nobody runs a relay for this service.")
    ]
    expires_at: Annotated[
        int | None, Field(description="Seconds since 1970: no new relay is allocated with them afterwards.")
    ]


class IceServerRoutes:
    def __init__(self, relays: TurnRelays) -> None:
        self._relays = relays

    def operations(self) -> list[Operation[IceServersParameters, Nothing]]:
        return [
            Operation(
                name="getIceServers",
                method="GET",
                path="/v1/ice-servers",
                summary="Get TURN servers with a credential",
                description="People in rooms are given theirs with their placement, and fresh ones in time.",
                tag="turn",
                parameters=IceServersParameters,
                body=Nothing,
                answer=IceServersAnswer,
                status=200,
                errors=(Unavailable,),
                handle=self._get,
            )
        ]

    async def _get(self, caller: Caller, parameters: IceServersParameters, _: Nothing) -> IceServersAnswer:
        ice = self._relays.offer_to(self._relays.opaque.user(caller.key, parameters.user), parameters.region)
        return IceServersAnswer(
            ice_servers=tuple(IceServerAnswer.model_validate(server.model_dump()) for server in ice.servers),
            expires_at=ice.expires_at,
        )
