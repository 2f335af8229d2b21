"""The websocket client: on a real Janus, and against a server that misbehaves on purpose."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.server import ServerConnection, serve

from media_adapters.errors import NodeGone, NodeTimeout
from media_adapters.janus.client import JanusClient, JanusError, open_client
from media_adapters.janus.transactions import Message
from tests.support.janus import Server

Answer = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]


@asynccontextmanager
async def open_real(server: Server) -> AsyncIterator[JanusClient]:
    async with open_client(server.access.url, server.access.api_secret) as client:
        yield client


@asynccontextmanager
async def misbehaving(answer: Answer) -> AsyncIterator[str]:
    """A server that says what `answer` makes of each request but `create`, `attach` and `destroy`."""

    async def talk(socket: ServerConnection) -> None:
        async for raw in socket:
            request = json.loads(raw)
            if request["janus"] in ("create", "attach", "destroy"):
                await socket.send(reply(request, "success", data={"id": 1}))
            else:
                await answer(socket, request)

    async with serve(talk, "127.0.0.1", 0, subprotocols=["janus-protocol"]) as running:  # type: ignore[list-item]
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}"


def reply(request: dict[str, Any], kind: str, **fields: Any) -> str:
    return json.dumps({"janus": kind, "transaction": request["transaction"], "session_id": 1, "sender": 1} | fields)


def plugin_data(**data: Any) -> dict[str, Any]:
    return {"plugindata": {"data": data}}


async def test_a_failing_event_handler_does_not_deafen_the_others(server: Server) -> None:
    async with open_real(server) as client:
        heard: asyncio.Queue[Message] = asyncio.Queue()

        def fails(_message: Message) -> None:
            raise RuntimeError("a bug")

        await client.attach(fails)
        good = await client.attach(heard.put_nowait)
        with capture_logs() as logs:
            for number in list(client._handles):
                client._dispatch(json.dumps({"janus": "webrtcup", "sender": number, "session_id": client._session}))
        assert (await heard.get())["janus"] == "webrtcup"
        assert [entry["event"] for entry in logs] == ["janus_event_handler_failed"]
        await good.detach()


async def test_an_unexpected_frame_does_not_end_the_connection(server: Server) -> None:
    async with open_real(server) as client:
        for raw in ("not json", "[]", "7", json.dumps({"janus": "event", "sender": 5})):
            client._dispatch(raw)
        assert (await client.info())["janus"] == "server_info"


async def test_a_wrong_secret_is_refused_and_shown_nowhere(server: Server) -> None:
    with pytest.raises(JanusError) as failure:
        async with open_client(server.access.url, "guessed-secret"):
            pass
    assert failure.value.code == 403
    assert "guessed-secret" not in repr(failure.value)


async def test_an_event_may_come_before_its_ack() -> None:
    async def answer(socket: ServerConnection, request: dict[str, Any]) -> None:
        await socket.send(reply(request, "event", **plugin_data(videoroom="event", joined="yes")))
        await socket.send(reply(request, "ack"))

    async with misbehaving(answer) as url, open_client(url, "secret") as client:
        handle = await client.attach(lambda _message: None)
        assert (await handle.message({"request": "join"})).data["joined"] == "yes"
        assert len(client._transactions) == 0


async def test_no_answer_is_a_timeout_and_a_late_one_reaches_the_handle() -> None:
    release = asyncio.Event()

    async def answer(socket: ServerConnection, request: dict[str, Any]) -> None:
        await socket.send(reply(request, "ack"))
        await release.wait()
        await socket.send(reply(request, "event", **plugin_data(videoroom="updated"), jsep={"sdp": "v=0"}))

    async with misbehaving(answer) as url, open_client(url, "secret", deadline=0.1) as client:
        heard: asyncio.Queue[Message] = asyncio.Queue()
        handle = await client.attach(heard.put_nowait)
        with pytest.raises(NodeTimeout):
            await handle.message({"request": "update"})
        assert len(client._transactions) == 0
        release.set()
        assert (await heard.get())["jsep"] == {"sdp": "v=0"}


async def test_pending_calls_fail_at_once_when_the_connection_dies() -> None:
    async def answer(socket: ServerConnection, _request: dict[str, Any]) -> None:
        socket.transport.abort()

    async with misbehaving(answer) as url, open_client(url, "secret") as client:
        reasons: list[str] = []
        client.on_gone = reasons.append
        handle = await client.attach(lambda _message: None)
        async with asyncio.timeout(2):
            results = await asyncio.gather(
                *(handle.message({"request": "join"}) for _ in range(3)), return_exceptions=True
            )
        assert [type(result) for result in results] == [NodeGone] * 3
        with pytest.raises(NodeGone):
            await client.info()
        assert len(reasons) == 1


async def test_candidates_leave_no_transactions_behind(server: Server) -> None:
    async with open_real(server) as client:
        handle = await client.attach(lambda _message: None)
        for _ in range(50):
            await handle.trickle({"completed": True})
        assert len(client._transactions) == 0


async def test_a_plugin_error_names_request_and_code_but_not_what_was_sent(server: Server) -> None:
    async with open_real(server) as client:
        handle = await client.attach(lambda _message: None)
        with pytest.raises(JanusError) as failure:
            await handle.message({"request": "join", "ptype": "publisher", "room": "nowhere", "id": "me"})
        assert (failure.value.request, failure.value.code) == ("join", 426)
        assert "nowhere" not in str(failure.value)
