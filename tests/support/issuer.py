"""Issuers as integrators run them: they sign room tokens with keys of their own, and serve their public keys."""

import asyncio
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

Key = OKPKey | ECKey | RSAKey


def new_key(kid: str | None = None, algorithm: str = "EdDSA") -> Key:
    named = {"kid": kid} if kid else None
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", parameters=named)  # type: ignore[arg-type]
    if algorithm == "RS256":
        return RSAKey.generate_key(2048, parameters=named)  # type: ignore[arg-type]
    return OKPKey.generate_key("Ed25519", parameters=named)  # type: ignore[arg-type]


def claims(**changed: Any) -> dict[str, Any]:
    """What a room token says, for room `demo` and `ann`; a claim that is changed to None is left out."""
    now = int(time.time())
    said = {"room": "demo", "sub": "ann", "name": "Ann", "aud": "nexusvibe", "iat": now, "exp": now + 600, "jti": "j1"}
    return {name: value for name, value in (said | changed).items() if value is not None}


def sign(key: Key | OctKey, said: dict[str, Any], algorithm: str = "EdDSA", **header: Any) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode({"alg": algorithm, **header}, said, key, algorithms=[algorithm])


@dataclass
class KeyHost:
    """Answers with `keys`, or with what a test has put into `answer`."""

    url: str = ""
    keys: list[Key] = field(default_factory=list)
    answer: web.Response | None = None
    asked: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def was_asked(self, times: int) -> None:
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: self.asked >= times)

    async def serve(self, _: web.Request) -> web.Response:
        async with self._news:
            self.asked += 1
            self._news.notify_all()
        return self.answer or web.json_response(KeySet([*self.keys]).as_dict(private=False))


@asynccontextmanager
async def key_host(*keys: Key) -> AsyncIterator[KeyHost]:
    host = KeyHost(keys=list(keys))
    app = web.Application()
    app.router.add_get("/jwks.json", host.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json"
        yield host
    finally:
        await runner.cleanup()
