"""What coturn says to the Redis that it takes us for."""

import asyncio

from control_plane.turn.statistics import Closed, Heard, Opened, Relayed, Started, listening, understand

ALLOCATION = b"turn/realm/nexusvibe/user/1795378770:abcabcabcabc-defdefdefdef/allocation/001000000000000001"
OPAQUE = "abcabcabcabc-defdefdefdef"
NEW = b"new lifetime=600, type=UDP, local=192.0.2.1:3478, remote=198.51.100.7:45389, ssl=NONE, cipher=NONE"


def published(what: bytes, text: bytes) -> Heard | None:
    return understand([b"publish", ALLOCATION + what, text])


def test_allocations_come_and_go() -> None:
    assert published(b"/status", NEW) == Opened(OPAQUE, "001000000000000001")
    assert published(b"/status", b"refreshed lifetime=600, type=UDP") is None
    assert published(b"/status", b"deleted") == Closed(OPAQUE, "001000000000000001")
    assert understand([b"keys", b"turn/*/allocation/*/status"]) == Started()


def test_traffic_is_what_was_relayed_since_it_was_told_last() -> None:
    assert published(b"/traffic", b"rcvp=7, rcvb=864, sentp=9, sentb=468") == Relayed(OPAQUE, 864, 468)
    assert published(b"/total_traffic", b"rcvp=7, rcvb=864, sentp=9, sentb=468") is None
    assert published(b"/traffic/peer", b"rcvp=7, rcvb=864, sentp=9, sentb=468") is None


def test_what_is_kept_in_redis_beside_is_not_heard_twice() -> None:
    assert understand([b"set", ALLOCATION + b"/status", NEW]) is None
    assert understand([b"publish", b"__XXX__", b"__YYY__"]) is None


async def test_only_who_has_the_password_is_heard() -> None:
    heard: list[Heard] = []
    async with listening(heard.append) as told:
        options = dict(part.split("=", 1) for part in told.split())
        said = command(b"publish", ALLOCATION + b"/status", b"deleted")
        assert await answers(options["port"], said) == b"-NOAUTH\r\n"
        assert await answers(options["port"], command(b"AUTH", b"guessed") + said) == b"-WRONGPASS\r\n-NOAUTH\r\n"
        assert heard == []
        known = command(b"AUTH", options["password"].encode())
        assert await answers(options["port"], known + said) == b"+OK\r\n:0\r\n"
        assert heard == [Closed(OPAQUE, "001000000000000001")]


def command(*parts: bytes) -> bytes:
    """In Redis' protocol (RESP 2)."""
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


async def answers(port: str, said: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    writer.write(said)
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
