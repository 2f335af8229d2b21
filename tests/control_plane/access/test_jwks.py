"""Keys of issuers over HTTP: what is fetched, how often, and what happens when their host misbehaves."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from joserfc.jwk import OctKey

from control_plane.access.errors import IssuerUnreachable
from control_plane.access.issuers import Issuer, jwks_location
from control_plane.access.jwks import FRESH_S, MAX_BYTES, RETRY_S, STALE_S, UNKNOWN_KEY_S, IssuerKeys
from control_plane.access.public_keys import read_keys
from tests.support.issuer import KeyHost, key_host, new_key


class MovableClock:
    ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def keys(clock: MovableClock) -> AsyncIterator[IssuerKeys]:
    async with IssuerKeys.open(clock) as keys:
        yield keys


@pytest.fixture
async def host() -> AsyncIterator[KeyHost]:
    async with key_host(new_key("k1")) as host:
        yield host


def at(host: KeyHost) -> Issuer:
    return Issuer(name="them", jwks_url=host.url)


async def test_many_who_join_at_once_cause_one_request(keys: IssuerKeys, host: KeyHost) -> None:
    found = await asyncio.gather(*(keys.of(at(host), "k1") for _ in range(50)))
    assert all(each is found[0] for each in found)
    await keys.of(at(host), "k1")
    assert host.asked == 1


async def test_a_new_key_is_found_and_unknown_ones_do_not_make_us_hammer(
    keys: IssuerKeys, host: KeyHost, clock: MovableClock
) -> None:
    await keys.of(at(host), "k1")
    host.keys.append(new_key("k2"))
    for _ in range(20):
        assert not (await keys.of(at(host), "k2")).names("k2")
    assert host.asked == 1
    clock.ahead += UNKNOWN_KEY_S
    assert (await keys.of(at(host), "k2")).names("k2")
    await keys.of(at(host), "k3")
    assert host.asked == 2


async def test_a_key_that_was_withdrawn_is_forgotten_after_a_while(
    keys: IssuerKeys, host: KeyHost, clock: MovableClock
) -> None:
    before = await keys.of(at(host), "k1")
    host.keys = [new_key("k2")]
    clock.ahead += FRESH_S + RETRY_S
    assert await keys.of(at(host), "k1") is before  # nobody waits for it
    await host.was_asked(2)
    clock.ahead += UNKNOWN_KEY_S
    assert (await keys.of(at(host), "k2")).names("k2")  # which waits for what is under way
    assert not (await keys.of(at(host), "k1")).names("k1")


async def test_known_keys_go_on_while_their_host_is_away_but_not_for_ever(
    keys: IssuerKeys, host: KeyHost, clock: MovableClock
) -> None:
    known = await keys.of(at(host), "k1")
    host.answer = web.Response(status=500)
    for _ in range(3):
        clock.ahead += FRESH_S + RETRY_S
        assert await keys.of(at(host), "k1") is known
        assert await keys.of(at(host), "unknown") is known
    clock.ahead += STALE_S
    with pytest.raises(IssuerUnreachable):
        await keys.of(at(host), "k1")


def answers() -> dict[str, web.Response]:
    good = json.dumps({"keys": [new_key("k1").as_dict(private=False)]})
    symmetric = json.dumps({"keys": [OctKey.generate_key(256, parameters={"kid": "k1"}).as_dict(private=True)]})
    private = json.dumps({"keys": [new_key("k1").as_dict(private=True)]})
    elsewhere = {"Location": "http://127.0.0.2/jwks.json"}
    return {
        "error": web.Response(status=503, text=good),
        "redirect": web.Response(status=302, headers=elsewhere, text=good),
        "too large": web.Response(text=good + " " * MAX_BYTES),
        "no JSON": web.Response(text="<html>"),
        "no text": web.Response(body=b"\xff\xfe"),
        "no keys": web.Response(text='{"keys": []}'),
        "keys of nothing": web.Response(text='{"keys": [1, null, {}, {"kty": "EC"}, {"kty": {}}]}'),
        "a list": web.Response(text="[[]]"),
        "secrets": web.Response(text=symmetric),
        "private keys": web.Response(text=private),
        "nested": web.Response(text="[" * 50_000),
    }


@pytest.mark.parametrize("kind", answers())
async def test_an_answer_that_is_no_key_set_is_a_retryable_error(
    keys: IssuerKeys, host: KeyHost, clock: MovableClock, kind: str
) -> None:
    host.answer = answers()[kind]
    for _ in range(5):
        with pytest.raises(IssuerUnreachable) as refused:
            await keys.of(at(host), "k1")
    assert (refused.value.code, refused.value.retryable) == ("issuer_unreachable", True)
    assert host.asked == 1
    host.answer = None
    clock.ahead += RETRY_S
    assert (await keys.of(at(host), "k1")).names("k1")


async def test_a_host_that_is_not_there_is_a_retryable_error(keys: IssuerKeys) -> None:
    with pytest.raises(IssuerUnreachable):
        await keys.of(Issuer(name="them", jwks_url="http://127.0.0.1:9/jwks.json"), None)


@pytest.mark.parametrize(
    "url",
    ["http://id.example.org/keys", "http://127.0.0.1.example.org/", "http://10.0.0.1/", "ftp://x/", "file:///etc/x",
     "https://user:pass@x/", "https://", "x", "https://x/#y"],
)  # fmt: skip
def test_keys_come_over_https_only(url: str) -> None:
    with pytest.raises(ValueError, match=r"over https|has neither a user"):
        jwks_location(url)


def test_a_private_key_and_a_weak_one_are_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="private"):
        read_keys(new_key().as_pem(private=True).decode())
    with pytest.raises(ValueError, match="private"):
        read_keys(json.dumps(new_key().as_dict(private=True)))
    with pytest.raises(ValueError, match="no public key"):
        read_keys(json.dumps({"keys": [new_key(algorithm="ES256").as_dict(private=False) | {"use": "enc"}]}))
    with pytest.raises(ValueError, match="neither"):
        read_keys("ssh-ed25519 AAAA")
