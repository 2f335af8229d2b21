"""Where a Redis is and how to enter it, from a URL."""

import ssl
from dataclasses import dataclass, field, replace

from redis.connection import SSLConnection, parse_url

_DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class Address:
    """One Redis server. A Unix socket when `path` is given, else TCP. Printing it shows no password."""

    host: str = "127.0.0.1"
    port: int = _DEFAULT_PORT
    path: str | None = None
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "Address":
        """From `redis://`, `rediss://` (optional `?ssl_ca_certs=FILE`) or `unix://`. Raises `ValueError`."""
        options = parse_url(url)  # type: ignore[no-untyped-call]
        tls = None
        if options.get("connection_class") is SSLConnection:
            tls = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
        return cls(
            host=options.get("host", "127.0.0.1"),
            port=options.get("port", _DEFAULT_PORT),
            path=options.get("path"),
            db=options.get("db", 0),
            username=options.get("username"),
            password=options.get("password"),
            tls=tls,
        )

    def at(self, host: str, port: int) -> "Address":
        """Another server of the same cluster, entered the same way."""
        return replace(self, host=host, port=port, path=None)

    def __str__(self) -> str:
        if self.path:
            return f"unix://{self.path}"
        return f"{'rediss' if self.tls else 'redis'}://{self.host}:{self.port}/{self.db}"
