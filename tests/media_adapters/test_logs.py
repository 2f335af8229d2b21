"""What the logs must never tell, whoever writes them."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from typing import cast

import pytest

from control_plane import errors
from media_adapters import logs

SDP = "v=0\r\no=- 46117 2 IN IP4 203.0.113.7\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:Zk3w\r\n"
CANDIDATE = "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.17 rport 46154"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb29tIjoiZGVtbyJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


def redacted(**fields: object) -> Mapping[str, object]:
    return logs.redact(None, "info", {"event": "it happened", **fields})


@pytest.mark.parametrize(
    "name", ["sdp", "candidate", "resume_token", "resumeToken", "token_secret", "password", "ip", "peer_address",
             "remote_addr", "Authorization", "peername", "api_key", "control_key", "ice_credential"]
)  # fmt: skip
def test_field_is_hidden_for_its_name(name: str) -> None:
    assert redacted(**{name: "whatever"})[name] == logs.HIDDEN


@pytest.mark.parametrize("name", ["room", "participant", "node", "port", "description", "recipients", "shipping"])
def test_ordinary_field_is_kept(name: str) -> None:
    assert redacted(**{name: "value"})[name] == "value"


@pytest.mark.parametrize("text", [SDP, SDP.encode("unicode_escape").decode(), CANDIDATE, "a=ice-pwd:asd88fgpdd777",
                                  f"unexpected: {CANDIDATE}"])  # fmt: skip
def test_text_that_quotes_a_description_is_hidden_as_a_whole(text: str) -> None:
    assert redacted(reason=text)["reason"] == logs.HIDDEN


@pytest.mark.parametrize(
    "address", ["203.0.113.7", "127.0.0.1", "2001:db8::17", "::1", "fe80::1", "::ffff:203.0.113.7"]
)
@pytest.mark.parametrize("sentence", ["{}", "from {} at once", "Connect call failed ('{}', 8080)", "http://[{}]:80/x"])
def test_addresses_are_cut_out_of_texts(address: str, sentence: str) -> None:
    text = cast("str", redacted(reason=sentence.format(address))["reason"])
    assert address not in text
    assert text == sentence.format(logs.HIDDEN)


@pytest.mark.parametrize("text", ["1.1.2", "12:34:56", "2026-11-22T13:27:00Z", "std::vector", "p_Jw8hT0cQ3kVb2xZl",
                                  "room:{r1}:members", "999.1.1.1"])  # fmt: skip
def test_what_only_resembles_an_address_is_kept(text: str) -> None:
    assert redacted(value=text)["value"] == text


def test_secrets_in_urls_and_tokens_in_sentences_are_cut_out() -> None:
    event = redacted(
        url="redis://user:hunter2@cache:6379/0", link="http://h/#token=abc.def&room=demo", said=f"got {JWT}"
    )
    assert event["url"] == "redis://cache:6379/0"
    assert event["link"] == f"http://h/#token={logs.HIDDEN}&room=demo"
    assert event["said"] == f"got {logs.HIDDEN}"


def test_nested_values_and_foreign_objects_are_cleaned_too() -> None:
    class Peer:
        def __repr__(self) -> str:
            return "<Peer 203.0.113.7>"

    event = redacted(data={"peers": [Peer()], "auth": {"password": "hunter2"}}, raw=b"\x80secret")
    assert event["data"] == {"peers": [f"<Peer {logs.HIDDEN}>"], "auth": {"password": logs.HIDDEN}}
    assert event["raw"] == "<7 bytes>"


def test_a_structure_without_end_ends() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert "…" in str(redacted(data=endless)["data"])


async def test_exception_of_a_foreign_library_keeps_its_type_and_place_but_not_its_message(
    unused_tcp_port: int,
) -> None:
    with pytest.raises(ConnectionRefusedError) as caught:
        await asyncio.open_connection("127.0.0.1", unused_tcp_port)
    assert "127.0.0.1" in str(caught.value)
    text = logs.format_exception(caught.value)
    assert text.endswith("ConnectionRefusedError [ECONNREFUSED]")
    assert "create_connection" in text
    assert "127.0.0.1" not in text


def test_our_own_exception_keeps_its_message_and_names_its_cause() -> None:
    error = errors.Unavailable("Live state at 10.0.0.17 can't be reached.")
    error.__cause__ = ValueError(f"bad {SDP}")
    text = logs.format_exception(error)
    assert f"Unavailable: Live state at {logs.HIDDEN} can't be reached." in text
    assert "ValueError\nwhich led to" in text
    assert "ice-ufrag" not in text


def test_every_member_of_an_exception_group_is_told() -> None:
    group = ExceptionGroup("for 203.0.113.7", [ValueError("203.0.113.7"), errors.Conflict("Taken.")])
    text = logs.format_exception(group)
    assert "Conflict: Taken." in text
    assert "one of the group:\nValueError" in text
    assert "203.0.113.7" not in text


PROGRAM = """
import asyncio, logging, warnings, structlog
from media_adapters import logs
logs.configure("debug", "json")
log = structlog.get_logger()
log.info("room opened", room="demo", remote="203.0.113.7")
logging.getLogger("websockets").debug("< TEXT 'secret frame'")
logging.getLogger("foreign").warning("refused %s", "203.0.113.7")
try:
    raise ConnectionRefusedError(111, "Connect call failed ('203.0.113.7', 1)")
except ConnectionRefusedError:
    log.exception("lost", node="n1")
    logging.getLogger("foreign").exception("lost too")
warnings.warn("from 203.0.113.7")
async def main():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)
asyncio.run(main())
raise RuntimeError("died of 203.0.113.7")
"""


def test_a_whole_process_tells_no_address_whoever_writes() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=False)
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert [line["event"].splitlines()[0] for line in lines] == [
        "room opened", f"refused {logs.HIDDEN}", "lost", "lost too",
        f"<string>:14: UserWarning: from {logs.HIDDEN}",
        "Exception in callback main.<locals>.<lambda>() at <string>:16", "crashed",
    ]  # fmt: skip
    assert "203.0.113.7" not in run.stderr
    assert lines[2]["exception"].endswith("ConnectionRefusedError [ECONNREFUSED]")
    assert lines[1]["logger"] == "foreign"
    assert lines[-1]["exception"].endswith("RuntimeError")
    assert run.returncode == 1


def test_wrong_settings_are_refused_with_what_is_possible() -> None:
    with pytest.raises(ValueError, match="use debug, info, warning or error"):
        logs.configure("loud")
    with pytest.raises(ValueError, match="use console or json"):
        logs.configure("info", "xml")
    assert logging.getLogger("aiohttp.access").level == logging.NOTSET
