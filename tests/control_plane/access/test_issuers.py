"""Issuers in a real database: what may be made known, and that it can be taken back."""

import json
from dataclasses import replace

import pytest

from control_plane.access.errors import IssuerExists, UnknownIssuer
from control_plane.access.issuers import Issuer, Issuers
from control_plane.database import Database
from tests.support.issuer import new_key

KEYS = json.dumps(new_key("k1").as_dict(private=False))
SHOP = Issuer(name="shop", room_prefix="shop-", audience="video", algorithms=("EdDSA",), jwks=KEYS)


async def test_an_issuer_is_known_until_it_is_removed(database: Database) -> None:
    issuers = Issuers(database)
    added = await issuers.add(SHOP)
    remote = await issuers.add(Issuer(name="https://id.example.org", jwks_url="https://id.example.org/jwks.json"))
    assert await issuers.get("shop") == added
    assert await issuers.list() == [remote, added]
    assert (added.room_prefix, added.audience, added.algorithms) == ("shop-", "video", ("EdDSA",))
    with pytest.raises(IssuerExists):
        await issuers.add(replace(SHOP, room_prefix=""))
    await issuers.remove("shop")
    for again in (issuers.get, issuers.remove):
        with pytest.raises(UnknownIssuer):
            await again("shop")


@pytest.mark.parametrize(
    "wrong",
    [
        replace(SHOP, name=""), replace(SHOP, name="nv_0123456789ab"), replace(SHOP, name="a\x1bb"),
        replace(SHOP, audience=""), replace(SHOP, algorithms=()), replace(SHOP, algorithms=("HS256",)),
        replace(SHOP, jwks=None), replace(SHOP, jwks_url="https://x.example/"), replace(SHOP, jwks="{}"),
        replace(SHOP, jwks=None, jwks_url="http://x.example/"),
    ],
)  # fmt: skip
async def test_an_issuer_that_can_not_be_is_refused_with_a_sentence(database: Database, wrong: Issuer) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        await Issuers(database).add(wrong)
    assert await Issuers(database).list() == []
