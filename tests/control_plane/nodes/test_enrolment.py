"""The door for machines that want to become nodes: what is forged, used twice or out of time stays outside."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from control_plane.clock import SystemClock
from control_plane.ids import NodeId
from control_plane.nodes.enrolment import EnrolmentRoutes
from control_plane.nodes.identity import ControlKey, new_control_key
from control_plane.nodes.records import NodeRecords
from control_plane.nodes.redis_time import RedisTime
from control_plane.nodes.trust import NodeTrust
from control_plane.state import Redis
from media_adapters.wire import new_private_key, private_key, public_key, public_text
from media_adapters.wire.enrolment import (
    CHALLENGE_PATH,
    ENROLMENT_PATH,
    ChallengeRequest,
    Enrolled,
    EnrolmentChallenge,
    EnrolmentToken,
    answer,
    challenge,
    is_from_control,
    is_ours,
)
from tests.support.database import migrate
from tests.support.trust import trusting

CONTROL_PEM = new_control_key()
CONTROL = ControlKey.from_pem(CONTROL_PEM)
REFUSED = (401, "enrolment_refused", "The enrolment is not accepted.")


@dataclass
class Door:
    client: TestClient[web.Request, web.Application]
    records: NodeRecords
    trust: NodeTrust

    async def token(self, node: str = "n1") -> EnrolmentToken:
        return await self.records.invite(NodeId(node), "eu", timedelta(minutes=15))

    async def challenge(self, token: EnrolmentToken, key: Ed25519PrivateKey) -> EnrolmentChallenge:
        asked = ChallengeRequest(token_id=token.id, public_key=public_text(key))
        response = await self.client.post(CHALLENGE_PATH, data=asked.model_dump_json())
        given = EnrolmentChallenge.model_validate_json(await response.text())
        assert is_ours(asked, given, public_key(CONTROL.public))
        return given

    async def asks(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        response = await self.client.post(ENROLMENT_PATH, data=json.dumps(body))
        return response.status, await response.json()

    async def refuses(self, body: dict[str, Any]) -> tuple[int, str, str]:
        status, problem = await self.asks(body)
        return status, problem["code"], problem["detail"]


@pytest.fixture
async def door(redis: Redis, tmp_path: Path) -> AsyncIterator[Door]:
    url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(url)
    async with trusting(redis, url) as (trust, records):
        app = web.Application()
        EnrolmentRoutes(records, trust, RedisTime(redis, SystemClock()), CONTROL).mount(app)
        async with TestClient(TestServer(app)) as client:
            yield Door(client, records, trust)


def fresh_key() -> Ed25519PrivateKey:
    return private_key(new_private_key())


async def test_who_has_a_token_and_a_key_is_told_who_they_are(door: Door) -> None:
    token, key = await door.token(), fresh_key()
    request = answer(token, await door.challenge(token, key), key)
    status, body = await door.asks(request.model_dump())
    outcome = Enrolled.model_validate(body)
    assert (status, outcome.node, outcome.region, outcome.state) == (200, "n1", "eu", "pending")
    assert is_from_control(outcome, request, public_key(CONTROL.public))
    assert dict(door.trust.signers) == {"n1": public_text(key)}
    assert dict(door.trust.keys) == {}


async def test_a_token_works_for_one_key(door: Door) -> None:
    token, key, thief = await door.token(), fresh_key(), fresh_key()
    for again in range(2):
        request = answer(token, await door.challenge(token, key), key)
        assert (await door.asks(request.model_dump()))[0] == 200, again
    request = answer(token, await door.challenge(token, thief), thief)
    assert (await door.refuses(request.model_dump()))[:2] == (409, "enrolment_used")


async def test_what_is_forged_is_refused_without_a_reason_and_spends_nothing(door: Door) -> None:
    token, key, thief = await door.token(), fresh_key(), fresh_key()
    given = await door.challenge(token, key)
    good = answer(token, given, key).model_dump()
    asked = ChallengeRequest(token_id=token.id, public_key=public_text(key))
    stale = challenge(asked, given.at - 120_000, private_key(CONTROL_PEM.encode()))
    made_up = challenge(asked, given.at, private_key(new_control_key().encode()))
    forged = {
        "secret": good | {"secret": EnrolmentToken.fresh().secret},
        "unknown token": answer(EnrolmentToken.fresh(), given, key).model_dump(),
        "another's key": good | {"public_key": public_text(thief)},
        "signed by another": good | {"signature": answer(token, given, thief).signature},
        "challenge of another time": answer(token, stale, key).model_dump(),
        "challenge of nobody": answer(token, made_up, key).model_dump(),
        "no request": {"token_id": token.id},
    }
    for name, body in forged.items():
        with capture_logs() as logs:
            assert await door.refuses(body) == REFUSED, name
        assert token.secret not in str(logs)
    assert (await door.asks(good))[0] == 200


async def test_a_token_that_expired_says_so_to_its_holder_only(door: Door) -> None:
    token, key = await door.records.invite(NodeId("n1"), "eu", timedelta(0)), fresh_key()
    given = await door.challenge(token, key)
    with_secret = answer(token, given, key)
    assert (await door.refuses(with_secret.model_dump()))[:2] == (401, "enrolment_expired")
    guessed = EnrolmentToken(token.id, EnrolmentToken.fresh().secret)
    assert await door.refuses(answer(guessed, given, key).model_dump()) == REFUSED


@pytest.mark.parametrize("text", ["", "nve_", "nv_abc_def", "nve_0123456789ab_short", f"nve_0123456789ab_{'a' * 44}"])
def test_what_is_no_token_is_said_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match="looks like") as caught:
        EnrolmentToken.parse(text)
    assert not text or text not in str(caught.value).replace("nve_…_…", "")


def test_a_token_does_not_show_itself() -> None:
    token = EnrolmentToken.fresh()
    assert token.secret not in repr(token)
    assert EnrolmentToken.parse(str(token)) == token
