"""Encoders and players in tests: what they send by HTTP, as plain requests or with real media."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack

from media_adapters.conformance.signs import Camera
from tests.support.media import peer_connection

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
PASSWORD = "0123456789012345678901"
CANDIDATE = "a=candidate:1 1 udp 2122260223 192.0.2.77 61764 typ host\r\n"
KINDS = ("audio", "video")


def offer(*kinds: str, ufrag: str = "abcd") -> str:
    """What an encoder offers; the media node of these tests is a recorder."""
    kinds = kinds or KINDS
    ice = f"a=ice-ufrag:{ufrag}\r\na=ice-pwd:{PASSWORD}\r\na=fingerprint:sha-256 AB:CD\r\na=setup:actpass\r\n"
    sections = (
        f"m={kind} 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n{ice}a=sendonly\r\n{CANDIDATE}"
        for mid, kind in enumerate(kinds)
    )
    bundle = f"a=group:BUNDLE {' '.join(str(mid) for mid in range(len(kinds)))}\r\n"
    return "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + bundle + "".join(sections)


def answer(ufrag: str) -> str:
    """What a media server answers to `offer()`."""
    return offer(ufrag=ufrag).replace("sendonly", "recvonly")


def fragment(ufrag: str = "abcd", *, candidates: str = CANDIDATE) -> str:
    return f"a=ice-ufrag:{ufrag}\r\na=ice-pwd:{PASSWORD}\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n{candidates}"


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


class Http:
    """Requests with a bearer token. `token` and headers are what a test says, also wrong ones."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(self, method: str, url: str, token: str | None, body: Any = None, **headers: str | None) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        async with self._session.request(method, url, data=body, headers=named) as response:
            return Response(response.status, response.headers, await response.text())

    async def post(self, base: str, token: str | None, body: Any = None, kind: str | None = SDP) -> Response:
        return await self.ask("POST", f"{base}/v1/whip", token, offer() if body is None else body, Content_Type=kind)

    async def play(self, base: str, token: str | None, query: str = "", body: Any = None) -> Response:
        body = offer().replace("sendonly", "recvonly") if body is None else body
        return await self.ask("POST", f"{base}/v1/whep{query}", token, body, Content_Type=SDP)

    async def patch(
        self, url: str, token: str | None, body: Any, etag: str | None, kind: str | None = FRAGMENT
    ) -> Response:
        return await self.ask("PATCH", url, token, body, Content_Type=kind, If_Match=etag)

    async def get(self, url: str, token: str | None) -> int:
        return (await self.ask("GET", url, token)).status

    async def until_gone(self, url: str, token: str | None, seconds: float = 5.0) -> None:
        """Return once there is no such resource any more."""
        async with asyncio.timeout(seconds):
            while await self.get(url, token) != 404:  # noqa: ASYNC110 -- over HTTP nobody is told
                await asyncio.sleep(0.02)

    async def delete(self, url: str, token: str | None) -> int:
        return (await self.ask("DELETE", url, token)).status


@asynccontextmanager
async def http() -> AsyncIterator[Http]:
    async with aiohttp.ClientSession() as session:
        yield Http(session)


@asynccontextmanager
async def encoder(asking: Http, base: str, token: str) -> AsyncIterator[Response]:
    """Publishes a camera and a microphone for real, until left: then it vanishes without a word."""
    async with _connection() as connection:
        connection.addTransceiver(AudioStreamTrack(), direction="sendonly")
        connection.addTransceiver(Camera(), direction="sendonly")
        await connection.setLocalDescription(await connection.createOffer())
        while (posted := await asking.post(base, token, connection.localDescription.sdp)).status == 503:  # noqa: ASYNC110 - as it is told
            await asyncio.sleep(int(posted.headers["Retry-After"]))
        assert posted.status == 201, posted.text
        await connection.setRemoteDescription(RTCSessionDescription(posted.text, "answer"))
        yield posted


@dataclass(frozen=True)
class Playing:
    posted: Response
    tracks: Mapping[str, MediaStreamTrack]
    """Those received, by kind."""

    async def receives(self, frames: int = 5) -> None:
        """Wait for that many more decoded frames of each track. Raises `TimeoutError`."""
        async with asyncio.timeout(20):
            for _ in range(frames):
                await asyncio.gather(*(track.recv() for track in self.tracks.values()))


@asynccontextmanager
async def player(asking: Http, base: str, token: str, query: str = "") -> AsyncIterator[Playing]:
    """Plays a camera and a microphone for real, until left: then it vanishes without a word."""
    async with _connection() as connection:
        for kind in KINDS:
            connection.addTransceiver(kind, direction="recvonly")
        await connection.setLocalDescription(await connection.createOffer())
        posted = await asking.play(base, token, query, connection.localDescription.sdp)
        assert posted.status == 201, posted.text
        await connection.setRemoteDescription(RTCSessionDescription(posted.text, "answer"))
        yield Playing(posted, {one.kind: one.receiver.track for one in connection.getTransceivers()})


@asynccontextmanager
async def _connection() -> AsyncIterator[RTCPeerConnection]:
    connection = peer_connection()
    try:
        yield connection
    finally:
        await connection.close()
