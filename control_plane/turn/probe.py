"""Whether a TURN server really relays: a probe allocates a relay, as a client would, and gives it back."""

import asyncio
import ssl

from aioice import stun
from aioice.turn import create_turn_endpoint

from control_plane.turn.credentials import TurnCredential
from control_plane.turn.models import TurnServer, TurnTransport

TIMEOUT_S = 3.0
LIFETIME_S = 60


async def probe(server: TurnServer, transport: TurnTransport, credential: TurnCredential) -> str | None:
    """Allocate a relay (RFC 8656 §7) within 3 s. None when that worked, else why not, as one word."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            relay, allocation = await create_turn_endpoint(
                _Allocation,
                server_addr=(server.host.strip("[]"), server.port(transport) or 0),
                username=credential.username,
                password=credential.password,
                lifetime=LIFETIME_S,
                ssl=ssl.create_default_context() if transport is TurnTransport.TLS else None,
                transport="udp" if transport is TurnTransport.UDP else "tcp",
            )
    except (TimeoutError, stun.TransactionTimeout):
        return "timeout"
    except stun.TransactionFailed as error:
        return f"refused_{error.response.attributes.get('ERROR-CODE', (0, ''))[0]}"
    except ssl.SSLError:
        return "tls"
    except OSError:
        return "unreachable"
    relay.close()
    await allocation.ended.wait()  # bounded by the client's own retransmissions
    return None


class _Allocation(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def connection_lost(self, _exc: Exception | None) -> None:
        self.ended.set()
