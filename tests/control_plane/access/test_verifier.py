"""Whose tokens are let in: every way to forge, stretch or misplace one, and the code that refuses it."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import OctKey

from control_plane.access.issuers import Issuer, Issuers
from control_plane.access.jwks import IssuerKeys
from control_plane.access.keys import ApiKeys
from control_plane.access.signers import FRESH_S, SignerDirectory
from control_plane.access.signing import SigningSecrets, issuer_of
from control_plane.access.tokens import Grants, RoomTokens
from control_plane.access.verifier import TokenVerifier
from control_plane.database import Database
from control_plane.errors import ControlPlaneError, InvalidToken, Unavailable
from tests.support.database import migrate
from tests.support.issuer import claims, new_key, sign

SECRET = "a secret that is long enough for tests"
ISSUER = "https://id.example.org"
KEY = new_key("k1")
OTHER_KEY = new_key("k1")
OWN = OctKey.import_key(SECRET)


class MovableClock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@dataclass
class Place:
    """A service that takes tokens of `ISSUER` for rooms whose names begin with `demo`."""

    database: Database
    clock: MovableClock
    verifier: TokenVerifier
    secrets: SigningSecrets

    async def code(self, token: str) -> str | None:
        """With which a token is refused; None when it is taken."""
        try:
            await self.verifier.verify(token)
        except ControlPlaneError as error:
            return error.code
        return None

    async def api_key(self, prefix: str = "demo") -> tuple[str, OctKey]:
        """The `iss` and the secret of an API key for its owner to sign with."""
        keys = ApiKeys(self.database, self.clock)
        key, _ = await keys.create("shop", prefix)
        return issuer_of(key.id), await self.signing(key.id)

    async def signing(self, key_id: str) -> OctKey:
        known = await ApiKeys(self.database, self.clock).secret_hash(key_id)
        return OctKey.import_key(self.secrets.text(key_id, known))

    def later(self, seconds: float = FRESH_S) -> None:
        self.clock.ahead += seconds


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """One kind of database is enough here."""
    url = f"sqlite:///{tmp_path}/nexusvibe.db"
    await migrate(url)
    async with Database.connect(url) as connected:
        yield connected


@pytest.fixture
async def place(database: Database) -> AsyncIterator[Place]:
    clock = MovableClock()
    public = json.dumps({"keys": [KEY.as_dict(private=False)]})
    await Issuers(database).add(Issuer(name=ISSUER, room_prefix="demo", jwks=public))
    secrets = SigningSecrets(SECRET)
    async with IssuerKeys.open(clock) as keys:
        directory = SignerDirectory(database, clock)
        yield Place(database, clock, TokenVerifier(RoomTokens(SECRET, clock), secrets, directory, keys, clock), secrets)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def foreign(**changed: Any) -> str:
    return sign(KEY, claims(iss=ISSUER, **changed), kid="k1")


def unsigned(algorithm: str) -> str:
    return f"{part({'alg': algorithm, 'kid': 'k1'})}.{part(claims(iss=ISSUER))}."


def confused() -> str:
    """HS256, with the public key as the secret."""
    pem = KEY.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(claims(iss=ISSUER))}"
    digest = hmac.digest(pem, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def with_header(**header: Any) -> str:
    """Signed over exactly this header, whatever a library thinks of it."""
    signed = f"{part({'alg': 'EdDSA', 'kid': 'k1', **header})}.{part(claims(iss=ISSUER))}"
    signature = KEY.private_key.sign(signed.encode())  # type: ignore[union-attr, call-arg]
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def now() -> int:
    return int(time.time())


def nested(depth: int) -> str:
    return base64.urlsafe_b64encode(b'{"a":' + b"[" * depth).rstrip(b"=").decode()


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "expired": (lambda: foreign(exp=now() - 10), "expired_token"),
    "not yet valid": (lambda: foreign(nbf=now() + 60), "invalid_token"),
    "issued in the future": (lambda: foreign(iat=now() + 60), "invalid_token"),
    "without exp": (lambda: foreign(exp=None), "invalid_token"),
    "without iat": (lambda: foreign(iat=None), "invalid_token"),
    "exp is a text": (lambda: foreign(exp="tomorrow"), "invalid_token"),
    "exp is true": (lambda: foreign(exp=True), "invalid_token"),
    "never expires": (lambda: foreign(exp=float("inf")), "invalid_token"),
    "exp is no number": (lambda: foreign(exp=float("nan")), "invalid_token"),
    "valid for longer than a kick is kept": (lambda: foreign(exp=now() + 31 * 86400), "invalid_token"),
    "backdated to last longer": (lambda: foreign(iat=0), "invalid_token"),
    "for another audience": (lambda: foreign(aud="others"), "invalid_token"),
    "without an audience": (lambda: foreign(aud=None), "invalid_token"),
    "for no room": (lambda: foreign(room=None), "invalid_token"),
    "for a room that is a path": (lambda: foreign(room="demo/../x"), "invalid_token"),
    "for a room of others": (lambda: foreign(room="shop-1"), "not_allowed"),
    "a name that turns text around": (lambda: foreign(name="a\u202eb"), "invalid_token"),
    "a name of 10 MB": (lambda: foreign(name="x" * 10_000_000), "invalid_token"),
    "an identity with a line break": (lambda: foreign(sub="a\nb"), "invalid_token"),
    "attributes without end": (lambda: foreign(attributes={f"a{n}": "x" for n in range(17)}), "invalid_token"),
    "sources that do not exist": (lambda: foreign(publish=["everything"]), "invalid_token"),
    "grants that are texts": (lambda: foreign(moderate="very much"), "invalid_token"),
    "more than a token may be long": (lambda: foreign(pad="x" * 8000), "invalid_token"),
    "alg none": (lambda: unsigned("none"), "invalid_token"),
    "alg NONE": (lambda: unsigned("NONE"), "invalid_token"),
    "alg is empty": (lambda: unsigned(""), "invalid_token"),
    "the public key as a secret": (confused, "invalid_token"),
    "signed by somebody else with the same kid": (
        lambda: sign(OTHER_KEY, claims(iss=ISSUER), kid="k1"), "invalid_token",
    ),
    "signed for us by the issuer's name only": (lambda: sign(OWN, claims(iss=ISSUER), "HS256"), "invalid_token"),
    "an algorithm that the key is not for": (
        lambda: sign(new_key("k1", "ES256"), claims(iss=ISSUER), "ES256", kid="k1"), "invalid_token",
    ),
    "an issuer that nobody knows": (lambda: sign(KEY, claims(iss="https://evil.example")), "invalid_token"),
    "an issuer that is a list": (lambda: sign(KEY, claims(iss=[ISSUER])), "invalid_token"),
    "an issuer that is null": (lambda: sign(KEY, claims() | {"iss": None}, kid="k1"), "invalid_token"),
    "an API key that nobody knows": (lambda: sign(OWN, claims(iss="nv_0123456789ab"), "HS256"), "invalid_token"),
    "a kid that nobody knows": (lambda: sign(KEY, claims(iss=ISSUER), kid="k9"), "invalid_token"),
    "a kid that is a path": (lambda: with_header(kid="../../../../dev/null"), "invalid_token"),
    "a kid that is a query": (lambda: with_header(kid="' OR 1=1 --"), "invalid_token"),
    "a kid that is a number": (lambda: with_header(kid=1), "invalid_token"),
    "a kid without end": (lambda: with_header(kid="k" * 300), "invalid_token"),
    "a critical header": (lambda: with_header(crit=["exp"]), "invalid_token"),
    "a critical header that is none": (lambda: with_header(crit=5), "invalid_token"),
    "an unencoded payload": (lambda: with_header(crit=["b64"], b64=False), "invalid_token"),
    "b64 without crit": (lambda: with_header(b64=False), "invalid_token"),
    "a key of its own": (
        lambda: sign(OTHER_KEY, claims(iss=ISSUER), jwk=OTHER_KEY.as_dict(private=False)), "invalid_token",
    ),
    "changed after it was signed": (
        lambda: ".".join([foreign().split(".")[0], part(claims(iss=ISSUER, sub="eve")), foreign().split(".")[2]]),
        "invalid_token",
    ),
    "without its signature": (lambda: foreign().rpartition(".")[0] + ".", "invalid_token"),
    "an encrypted token": (lambda: "a.b.c.d.e", "invalid_token"),
    "nested without end": (lambda: f"{part({'alg': 'HS256'})}.{nested(5000)}.x", "invalid_token"),
    "letters that are none": (lambda: "é.é.é", "invalid_token"),
    "nothing": (lambda: "", "invalid_token"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_a_token_is_refused(place: Place, case: str) -> None:
    token, code = REFUSED[case]
    assert await place.code(token()) == code


async def test_an_issuer_s_token_grants_what_it_says(place: Place) -> None:
    token = foreign(publish=["microphone"], moderate=True, nbf=now())
    verified = await place.verifier.verify(token)
    assert verified.grants == Grants.model_validate(claims(publish=["microphone"], moderate=True))
    assert await place.code(sign(KEY, claims(iss=ISSUER), "Ed25519")) is None
    assert await place.code(foreign(aud=["others", "nexusvibe"])) is None


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_other_algorithms_are_taken_where_they_are_allowed(place: Place, algorithm: str) -> None:
    key = new_key(algorithm=algorithm)
    pem = key.as_pem(private=False).decode()
    for name, allowed in (("yes", (algorithm,)), ("no", ("EdDSA",))):
        await Issuers(place.database).add(Issuer(name=name, jwks=pem, algorithms=allowed))
    assert await place.code(sign(key, claims(iss="yes"), algorithm, kid="any")) is None
    assert await place.code(sign(key, claims(iss="no"), algorithm)) == "invalid_token"


async def test_a_token_that_was_believed_runs_out_all_the_same(place: Place) -> None:
    token = foreign(exp=now() + 60)
    assert await place.code(token) is None
    place.later(70)
    assert await place.code(token) == "expired_token"


async def test_an_issuer_that_is_removed_lets_nobody_in_any_more(place: Place) -> None:
    token = foreign()
    assert await place.code(token) is None
    await Issuers(place.database).remove(ISSUER)
    place.later()
    assert await place.code(token) == "invalid_token"


async def test_an_issuer_whose_rooms_change_is_believed_for_those_only(place: Place) -> None:
    token = foreign()
    assert await place.code(token) is None
    await Issuers(place.database).remove(ISSUER)
    public = json.dumps(KEY.as_dict(private=False))
    await Issuers(place.database).add(Issuer(name=ISSUER, room_prefix="school-", jwks=public))
    place.later()
    assert await place.code(token) == "not_allowed"


async def test_the_owner_of_an_api_key_signs_tokens_for_its_rooms(place: Place) -> None:
    issuer, secret = await place.api_key("demo")
    assert await place.code(sign(secret, claims(iss=issuer), "HS256")) is None
    assert await place.code(sign(secret, claims(iss=issuer, room="school-1"), "HS256")) == "not_allowed"
    assert await place.code(sign(secret, claims(), "HS256")) == "invalid_token"
    other, _ = await place.api_key("demo")
    assert await place.code(sign(secret, claims(iss=other), "HS256")) == "invalid_token"
    assert await place.code(sign(OWN, claims(iss=issuer), "HS256")) == "invalid_token"


async def test_rotating_a_key_ends_its_tokens_after_the_overlap_and_revoking_it_all(place: Place) -> None:
    keys = ApiKeys(place.database, place.clock)
    issuer, old = await place.api_key()
    key_id = issuer.removeprefix("nv_")
    before = sign(old, claims(iss=issuer), "HS256")
    await keys.rotate(key_id, timedelta(seconds=60))
    after = sign(await place.signing(key_id), claims(iss=issuer), "HS256")
    place.later()
    assert (await place.code(before), await place.code(after)) == (None, None)
    place.later(60)
    assert (await place.code(before), await place.code(after)) == ("invalid_token", None)
    await keys.revoke(key_id)
    place.later()
    assert await place.code(after) == "invalid_token"


async def test_what_the_database_holds_signs_nothing(place: Place) -> None:
    issuer, _ = await place.api_key()
    key_id = issuer.removeprefix("nv_")
    stored = await ApiKeys(place.database).secret_hash(key_id)
    assert await place.code(sign(OctKey.import_key(stored), claims(iss=issuer), "HS256")) == "invalid_token"
    elsewhere = SigningSecrets("another secret that is long enough").text(key_id, stored)
    assert await place.code(sign(OctKey.import_key(elsewhere), claims(iss=issuer), "HS256")) == "invalid_token"


async def test_the_same_jti_of_two_issuers_names_two_tokens(place: Place) -> None:
    issuer, secret = await place.api_key()
    one = await place.verifier.verify(foreign())
    other = await place.verifier.verify(sign(secret, claims(iss=issuer), "HS256"))
    assert one.id != other.id


async def test_who_signs_is_remembered_while_the_database_is_away(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await place.code(foreign()) is None
    await place.database.engine.dispose()
    monkeypatch.setattr(place.database, "transaction", _away)
    place.later(3600)
    assert await place.code(sign(KEY, claims(iss=ISSUER, iat=now(), exp=now() + 7200), kid="k1")) is None
    stranger = SignerDirectory(place.database, place.clock)
    with pytest.raises(ControlPlaneError, match="does not answer"):
        await stranger.now()


def _away() -> Any:
    raise Unavailable("The database can't be reached now.")


async def test_a_sentence_never_repeats_what_the_token_says(place: Place) -> None:
    with pytest.raises(InvalidToken) as refused:
        await place.verifier.verify(foreign(name="secret\u202e"))
    assert "secret" not in refused.value.message
    assert "name" in refused.value.message
