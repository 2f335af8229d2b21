"""Three ways into an SFU, for the same media: through NexusVibe, and to a bare Janus or mediasoup.

Each is opened with the address that its system tells (see sfu_systems).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Protocol

from aiortc import (
    RTCBundlePolicy,
    RTCCertificate,
    RTCConfiguration,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
    RTCPeerConnection,
    RTCRtpCodecParameters,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtcpParameters, RTCRtpEncodingParameters, RTCRtpSendParameters

from bench.sfu_media import Arrivals, Camera, SilentMicrophone
from media_adapters.janus.client import JanusClient, open_client
from tests.support.client import Client, connected

PATIENCE, FRAME_PATIENCE = 30.0, 10.0
FOR_EVER = 3600.0
ROOM = "bench"


class Clients(Protocol):
    async def publishes(self, number: int, /) -> None:
        """Send one camera; returns once it can be received."""

    async def views(self, number: int, cameras: int, /) -> Arrivals:
        """Receive so many cameras as one more viewer; returns once a key frame of each has arrived whole, or
        after 10 s."""


def peer_connection() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))


async def offer_of_camera(connection: RTCPeerConnection) -> str:
    camera = Camera()
    transceiver = connection.addTransceiver(camera, direction="sendonly")
    camera.answers_requests_of(transceiver.sender)
    codecs = RTCRtpSender.getCapabilities("video").codecs
    transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType in {"video/VP8", "video/rtx"}])
    await connection.setLocalDescription(await connection.createOffer())
    return str(connection.localDescription.sdp)


async def answer_to(connection: RTCPeerConnection, sdp: str, arrivals: Arrivals) -> str:
    """The answer; what it lets in is counted by `arrivals`."""
    await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    arrivals.listen_at(connection.getTransceivers()[0].receiver.transport)
    return str(connection.localDescription.sdp)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def all_seen(arrivals: Arrivals, cameras: int) -> None:
    """Until a key frame of each camera has arrived whole, or it is clear that one was lost: nobody asks for another."""
    with suppress(TimeoutError):
        async with asyncio.timeout(FRAME_PATIENCE):
            while len(arrivals.first_frames()) < cameras:  # noqa: ASYNC110 - sockets' callbacks tell nobody
                await asyncio.sleep(0.002)


# ── Through NexusVibe ───────────────────────────────────────────────────────────────────────────────────────────────


class NexusVibe:
    """`address`: the websocket `url`, and a token for each of `publishers` and `viewers`."""

    def __init__(self, address: Mapping[str, Any], stack: AsyncExitStack) -> None:
        self._address, self._stack = address, stack

    @classmethod
    @asynccontextmanager
    async def opened(cls, address: Mapping[str, Any]) -> AsyncIterator["NexusVibe"]:
        async with AsyncExitStack() as stack:
            yield cls(address, stack)

    async def publishes(self, number: int) -> None:
        client, connection = await self._joined(self._address["publishers"][number]), self._connection()
        sdp = await offer_of_camera(connection)
        track = {"id": f"t_camera_{number}", "mid": "0", "kind": "video", "source": "camera"}
        await self._offer(client, connection, sdp, track)

    async def listens(self, number: int) -> Arrivals:
        """Be a participant with a silent microphone, who receives everybody."""
        client, connection, arrivals = (
            await self._joined(self._address["people"][number]),
            self._connection(),
            Arrivals(looks=False),
        )
        answering = asyncio.create_task(self._answer_on(client, self._connection(), arrivals))
        self._stack.push_async_callback(ended, answering)
        connection.addTrack(SilentMicrophone())
        await connection.setLocalDescription(await connection.createOffer())
        track = {"id": f"t_microphone_{number}", "mid": "0", "kind": "audio", "source": "microphone"}
        await self._offer(client, connection, str(connection.localDescription.sdp), track)
        return arrivals

    async def views(self, number: int, cameras: int) -> Arrivals:
        client = await self._joined(self._address["viewers"][number])
        connection = self._connection()
        await self._answer(client, connection, arrivals := Arrivals())
        answering = asyncio.create_task(self._answer_on(client, connection, arrivals))
        self._stack.push_async_callback(ended, answering)
        await all_seen(arrivals, cameras)
        return arrivals

    def _connection(self) -> RTCPeerConnection:
        connection = peer_connection()
        self._stack.push_async_callback(connection.close)
        return connection

    async def _offer(self, client: Client, connection: RTCPeerConnection, sdp: str, track: Mapping[str, str]) -> None:
        """Returns once the others can receive it."""
        offer = {"type": "offer", "sdp": sdp}
        await client.asks("description", epoch=1, pc="publisher", negotiation=1, description=offer, tracks=[track])
        answer = await client.hears("description", pc="publisher")
        await connection.setRemoteDescription(RTCSessionDescription(answer["description"]["sdp"], "answer"))
        await client.until(lambda event: event["type"] == "track.published" and _mine(client, event))

    async def _joined(self, token: str) -> Client:
        client = await self._stack.enter_async_context(connected(self._address["url"]))
        return await client.join(token, name="somebody")

    async def _answer_on(self, client: Client, connection: RTCPeerConnection, arrivals: Arrivals) -> None:
        while True:
            await self._answer(client, connection, arrivals)

    async def _answer(self, client: Client, connection: RTCPeerConnection, arrivals: Arrivals) -> None:
        offer = await client.until(
            lambda event: event["type"] == "description" and event["pc"] == "subscriber", seconds=FOR_EVER
        )
        answer = {"type": "answer", "sdp": await answer_to(connection, offer["description"]["sdp"], arrivals)}
        await client.asks("description", epoch=1, pc="subscriber", negotiation=offer["negotiation"], description=answer)


def _mine(client: Client, event: Mapping[str, Any]) -> bool:
    return bool(event["track"]["participant"] == client.id)


# ── Bare Janus ──────────────────────────────────────────────────────────────────────────────────────────────────────


class BareJanus:
    """VideoRoom by its own API. `address`: the websocket `url` and the `secret`; the room is there already."""

    def __init__(self, client: JanusClient, stack: AsyncExitStack) -> None:
        self._client, self._stack = client, stack

    @classmethod
    @asynccontextmanager
    async def opened(cls, address: Mapping[str, Any]) -> AsyncIterator["BareJanus"]:
        async with AsyncExitStack() as stack:
            yield cls(await stack.enter_async_context(open_client(address["url"], address["secret"])), stack)

    async def publishes(self, number: int) -> None:
        up = asyncio.Event()
        handle, connection = await self._client.attach(lambda event: _if_up(event, up)), peer_connection()
        self._stack.push_async_callback(connection.close)
        await handle.message({"request": "join", "ptype": "publisher", "room": ROOM, "id": f"camera{number}"})
        offer = {"type": "offer", "sdp": await offer_of_camera(connection)}
        reply = await handle.message({"request": "publish"}, offer)
        await connection.setRemoteDescription(RTCSessionDescription(reply.sdp or "", "answer"))
        async with asyncio.timeout(PATIENCE):
            await up.wait()

    async def views(self, _number: int, cameras: int) -> Arrivals:
        handle, connection = await self._client.attach(lambda _event: None), peer_connection()
        self._stack.push_async_callback(connection.close)
        streams = [{"feed": f"camera{camera}"} for camera in range(cameras)]
        join = {"request": "join", "ptype": "subscriber", "room": ROOM, "streams": streams}
        offer = await handle.message(join)
        arrivals = Arrivals()
        answer = {"type": "answer", "sdp": await answer_to(connection, offer.sdp or "", arrivals)}
        await handle.message({"request": "start"}, answer)
        await all_seen(arrivals, cameras)
        return arrivals


def _if_up(event: Mapping[str, Any], up: asyncio.Event) -> None:
    if event["janus"] == "webrtcup":
        up.set()


# ── Bare mediasoup ──────────────────────────────────────────────────────────────────────────────────────────────────

PAYLOAD_TYPE = 96


class BareMediasoup:
    """mediasoup's library behind JSON lines on a socket (bare_mediasoup.mjs), without SDP. `address`: its `port`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stack: AsyncExitStack) -> None:
        self._reader, self._writer, self._stack = reader, writer, stack
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def opened(cls, address: Mapping[str, Any]) -> AsyncIterator["BareMediasoup"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", address["port"], limit=1 << 22)
        async with AsyncExitStack() as stack:
            stack.callback(writer.close)
            yield cls(reader, writer, stack)

    async def publishes(self, number: int) -> None:
        transport, dtls, _ = await self._transport()
        camera = Camera()
        sender = RTCRtpSender(camera, dtls)
        camera.answers_requests_of(sender)
        feedback = [RTCRtcpFeedback(type="nack"), RTCRtcpFeedback(type="nack", parameter="pli")]
        codec = RTCRtpCodecParameters("video/VP8", clockRate=90000, payloadType=PAYLOAD_TYPE, rtcpFeedback=feedback)
        rtcp = RTCRtcpParameters(cname=f"camera{number}", mux=True)
        await sender.send(
            RTCRtpSendParameters(
                codecs=[codec],
                encodings=[RTCRtpEncodingParameters(ssrc=sender._ssrc, payloadType=PAYLOAD_TYPE)],
                rtcp=rtcp,
            )
        )
        self._stack.push_async_callback(sender.stop)
        await self._ask("produce", transport=transport, name=f"camera{number}", ssrc=sender._ssrc)

    async def views(self, _number: int, cameras: int) -> Arrivals:
        transport, _, arrivals = await self._transport()
        names = [f"camera{camera}" for camera in range(cameras)]
        await self._ask("consume", transport=transport, names=names)
        await all_seen(arrivals, cameras)
        return arrivals

    async def _transport(self) -> tuple[str, RTCDtlsTransport, Arrivals]:
        """A connected transport: we are its ICE controller and its DTLS client."""
        theirs = await self._ask("transport")
        gatherer = RTCIceGatherer(iceServers=[])
        await gatherer.gather()
        ice = RTCIceTransport(gatherer)
        ice._connection.ice_controlling, ice._role_set = True, True
        dtls = RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])
        dtls._set_role("client")
        arrivals = Arrivals()
        arrivals.listen_at(dtls)
        await self._ask(
            "connect",
            transport=theirs["id"],
            fingerprints=[
                {"algorithm": print_.algorithm, "value": print_.value}
                for print_ in dtls.getLocalParameters().fingerprints
                if print_.algorithm == "sha-256"
            ],
        )
        for one in theirs["candidates"]:
            candidate = RTCIceCandidate(
                component=1,
                foundation=one["foundation"],
                ip=one["ip"],
                port=one["port"],
                priority=one["priority"],
                protocol="udp",
                type="host",
            )
            await ice.addRemoteCandidate(candidate)
        await ice.addRemoteCandidate(None)
        parameters = theirs["ice"]
        await ice.start(RTCIceParameters(parameters["usernameFragment"], parameters["password"], iceLite=True))
        prints = [RTCDtlsFingerprint(each["algorithm"], each["value"]) for each in theirs["fingerprints"]]
        await dtls.start(RTCDtlsParameters(fingerprints=prints, role="server"))
        self._stack.push_async_callback(ice.stop)
        self._stack.push_async_callback(dtls.stop)
        return theirs["id"], dtls, arrivals

    async def _ask(self, what: str, **fields: Any) -> Any:
        async with self._turn:
            self._writer.write(json.dumps({"what": what, **fields}).encode() + b"\n")
            async with asyncio.timeout(PATIENCE):
                reply = json.loads(await self._reader.readline())
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["done"]


CLIENTS: Mapping[str, Any] = {"nexusvibe": NexusVibe, "janus": BareJanus, "mediasoup": BareMediasoup}
