"""Issuers: who else may sign room tokens, with keys of their own (EdDSA, ES256, RS256), and for which rooms."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from yarl import URL

from control_plane.access.claims import AUDIENCE
from control_plane.access.errors import IssuerExists, UnknownIssuer
from control_plane.access.models import IssuerRow
from control_plane.access.public_keys import ALGORITHMS, read_keys
from control_plane.access.signing import ISSUER_PREFIX
from control_plane.database import Database, utc_now

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Issuer:
    """`name` is the `iss` of its tokens. Either `jwks_url` or `jwks` says with which keys they are signed."""

    name: str
    room_prefix: str = ""
    audience: str = AUDIENCE
    algorithms: tuple[str, ...] = ALGORITHMS
    jwks_url: str | None = None
    jwks: str | None = None
    created_at: datetime | None = None


class Issuers:
    """Every method may raise `Unavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, issuer: Issuer) -> Issuer:
        """Raises `ValueError` with a sentence when it can't be, `IssuerExists`."""
        _expect_sensible(issuer)
        row = IssuerRow(
            name=issuer.name,
            room_prefix=issuer.room_prefix,
            audience=issuer.audience,
            algorithms=" ".join(issuer.algorithms),
            jwks_url=str(jwks_location(issuer.jwks_url)) if issuer.jwks_url else None,
            jwks=read_keys(issuer.jwks).text if issuer.jwks else None,
            created_at=utc_now(),
        )
        try:
            async with self._database.transaction() as session:
                session.add(row)
        except IntegrityError as error:
            raise IssuerExists(f"There is an issuer {issuer.name} already: remove it first.") from error
        return _issuer(row)

    async def list(self) -> list[Issuer]:
        """By name."""
        async with self._database.transaction() as session:
            return [_issuer(row) for row in await session.scalars(select(IssuerRow).order_by(IssuerRow.name))]

    async def get(self, name: str) -> Issuer:
        """Raises `UnknownIssuer`."""
        async with self._database.transaction() as session:
            return _issuer(_known(await session.get(IssuerRow, name), name))

    async def remove(self, name: str) -> None:
        """Its tokens let nobody in any more; who is in stays. Raises `UnknownIssuer`."""
        async with self._database.transaction() as session:
            await session.delete(_known(await session.get(IssuerRow, name), name))


def jwks_location(text: str) -> URL:
    """Raises `ValueError` with a sentence."""
    url = URL(text)
    secure = url.scheme == "https" or (url.scheme == "http" and url.host in LOOPBACK)
    if not url.host or not secure:
        raise ValueError("Keys are fetched over https; over http from this machine only.")
    if url.user or url.password or url.fragment:
        raise ValueError("The URL of keys has neither a user nor a fragment.")
    return url


def _expect_sensible(issuer: Issuer) -> None:
    if not 1 <= len(issuer.name) <= 255 or not issuer.name.isprintable():
        raise ValueError("An issuer's name has 1 to 255 printable characters.")
    if issuer.name.startswith(ISSUER_PREFIX):
        raise ValueError(f"Names that begin with {ISSUER_PREFIX} are those of API keys.")
    if not 1 <= len(issuer.audience) <= 255 or not issuer.audience.isprintable():
        raise ValueError("An audience has 1 to 255 printable characters.")
    if (issuer.jwks_url is None) == (issuer.jwks is None):
        raise ValueError("An issuer has either the URL of its keys or the keys themselves.")
    if not issuer.algorithms or set(issuer.algorithms) - set(ALGORITHMS):
        raise ValueError(f"Issuers sign with {', '.join(ALGORITHMS)}.")


def _known(row: IssuerRow | None, name: str) -> IssuerRow:
    if row is None:
        raise UnknownIssuer(f"There is no issuer {name}.")
    return row


def _issuer(row: IssuerRow) -> Issuer:
    return Issuer(
        name=row.name,
        room_prefix=row.room_prefix,
        audience=row.audience,
        algorithms=tuple(row.algorithms.split()),
        jwks_url=row.jwks_url,
        jwks=row.jwks,
        created_at=row.created_at,
    )
