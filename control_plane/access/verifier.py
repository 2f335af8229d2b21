"""Room tokens of everybody who may sign them: this service, API keys (HS256), and issuers with keys of their own."""

import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from control_plane.access import claims, unverified
from control_plane.access.claims import VerifiedToken
from control_plane.access.issuers import Issuer
from control_plane.access.jwks import IssuerKeys
from control_plane.access.public_keys import PublicKeys, decode
from control_plane.access.signers import SignerDirectory
from control_plane.access.signing import ISSUER_PREFIX, SigningSecrets
from control_plane.access.tokens import RoomTokens, decode_hs256
from control_plane.access.unverified import Unverified
from control_plane.clock import Clock
from control_plane.database import Database
from control_plane.errors import InvalidToken

MAX_REMEMBERED = 10_000


class TokenVerifier:
    def __init__(
        self, own: RoomTokens, secrets: SigningSecrets, signers: SignerDirectory, keys: IssuerKeys, clock: Clock
    ) -> None:
        self._own = own
        self._secrets = secrets
        self._signers = signers
        self._keys = keys
        self._clock = clock
        self._remembered: OrderedDict[bytes, tuple[VerifiedToken, Issuer, PublicKeys]] = OrderedDict()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, own: RoomTokens, token_secret: str, database: Database, clock: Clock
    ) -> AsyncIterator["TokenVerifier"]:
        async with IssuerKeys.open(clock) as keys:
            yield cls(own, SigningSecrets(token_secret), SignerDirectory(database, clock), keys, clock)

    async def verify(self, token: str) -> VerifiedToken:
        """Raises `InvalidToken`, `ExpiredToken`, `NotAllowed` for a room that is not its signer's, and, which may pass,
        `IssuerUnreachable` and `Unavailable`."""
        seen = unverified.look(token)
        if seen.issuer is None:
            return self._own.verify(token)
        if seen.issuer.startswith(ISSUER_PREFIX):
            return await self._by_key(token, seen.issuer.removeprefix(ISSUER_PREFIX))
        return await self._by_issuer(token, seen, seen.issuer)

    async def _by_key(self, token: str, key_id: str) -> VerifiedToken:
        key = (await self._signers.now()).keys.get(key_id)
        now = self._clock.now()
        secrets = [self._secrets.key(key_id, text) for text in key.current(now)] if key else []
        if key is None or not secrets:
            raise InvalidToken("The API key that signed this room token is not known here, or not any more.")
        return claims.read(decode_hs256(token, *secrets), now, room_prefix=key.room_prefix)

    async def _by_issuer(self, token: str, seen: Unverified, name: str) -> VerifiedToken:
        issuer = (await self._signers.now()).issuers.get(name)
        if issuer is None:
            raise InvalidToken("The issuer of this room token is not known here.")
        algorithm = "EdDSA" if seen.algorithm == "Ed25519" else seen.algorithm
        if algorithm not in issuer.algorithms:
            raise InvalidToken("The issuer of this room token may not sign with this algorithm.")
        keys = await self._keys.of(issuer, seen.key_id)
        digest = hashlib.sha256(token.encode()).digest()
        known = self._remembered.get(digest)
        if known is not None and known[1] == issuer and known[2] is keys:
            known[0].expect_valid(self._clock.now())
            return known[0]
        said = decode(token, keys.choose(algorithm, seen.key_id), seen.algorithm)
        verified = claims.read(said, self._clock.now(), audience=issuer.audience, room_prefix=issuer.room_prefix)
        self._remember(digest, verified, issuer, keys)
        return verified

    def _remember(self, digest: bytes, verified: VerifiedToken, issuer: Issuer, keys: PublicKeys) -> None:
        """A signature with public keys takes as long as everything else about a join: it is checked once. Only what
        was believed is kept, so that strangers can't fill this."""
        self._remembered[digest] = (verified, issuer, keys)
        self._remembered.move_to_end(digest)
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
