"""Media nodes in the database: who enrolled, who is approved, draining or removed. It decides; replicas remember.

Times are the database's own, so that no machine's clock makes a token live longer or shorter.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control_plane.database import Database, UtcDateTime
from control_plane.errors import Conflict, NotFound
from control_plane.ids import NodeId
from control_plane.nodes.enrolment_errors import EnrolmentExpired, EnrolmentRefused, EnrolmentUsed
from control_plane.nodes.tables import EnrolmentRow, NodeChangesRow, NodeRow
from media_adapters.wire.enrolment import EnrolmentToken

REMOVED_KEPT = timedelta(days=30)
"""Longer than any room, after which nobody has to be told that a node is gone."""


class NodeState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REMOVED = "removed"
    STATIC = "static"
    """Its key is in the replicas' settings; here is only whether it drains."""


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """`public_key` in base64, and `region`: those with which the node enrolled; None for `STATIC`."""

    id: NodeId
    state: NodeState
    draining: bool
    region: str | None
    public_key: str | None
    enrolled_at: datetime | None
    approved_at: datetime | None


class NodeRecords:
    """Every method raises `Unavailable` when the database is away. One change happens at a time, for all replicas."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def changes(self) -> int:
        """A number that is another one after every change."""
        async with self._database.transaction() as session:
            return await session.scalar(select(NodeChangesRow.number)) or 0

    async def all(self) -> list[NodeRecord]:
        """By id, also those that were removed within a month."""
        async with self._database.transaction() as session:
            return [_record(row) for row in await session.scalars(select(NodeRow).order_by(NodeRow.id))]

    async def invite(self, node: NodeId, region: str, ttl: timedelta) -> EnrolmentToken:
        """A token for this node, which can't be read again; one that nobody has used yet holds no longer.

        Raises `Conflict` when there is such a node.
        """
        token = EnrolmentToken.fresh()
        async with self._change() as (session, now):
            row = await session.get(NodeRow, node)
            if row is not None and row.state != NodeState.REMOVED:
                raise Conflict(f"There is a node {node} already: remove it first.")
            await _forget_old(session, now)
            await session.execute(delete(EnrolmentRow).where(EnrolmentRow.node == node))
            session.add(
                EnrolmentRow(
                    id=token.id, secret_hash=_hash(token.secret), node=node, region=region,
                    created_at=now, expires_at=now + ttl, used_by=None,
                )
            )  # fmt: skip
        return token

    async def enrol(self, token: EnrolmentToken, public_key: str) -> NodeRecord:
        """Spend the token for the node with this key, which was proven. The same key may come again.

        Raises `EnrolmentRefused`, `EnrolmentExpired`, `EnrolmentUsed`.
        """
        async with self._change() as (session, now):
            invited = await session.get(EnrolmentRow, token.id)
            if invited is None or not hmac.compare_digest(invited.secret_hash, _hash(token.secret)):
                raise EnrolmentRefused
            if invited.used_by not in {None, public_key}:
                raise EnrolmentUsed
            if invited.used_by is None:
                if invited.expires_at <= now:
                    raise EnrolmentExpired
                invited.used_by = public_key
                await self._enter(session, invited, public_key, now)
            return _record(await session.get_one(NodeRow, invited.node))

    async def approve(self, node: NodeId) -> NodeRecord:
        """Believe its heartbeats from now on. No-op for one that is approved. Raises `NotFound`."""
        async with self._change() as (session, now):
            row = await _known(session, node)
            if row.state == NodeState.PENDING:
                row.state, row.approved_at, row.changed_at = NodeState.APPROVED, now, now
            return _record(row)

    async def drain(self, node: NodeId, *, draining: bool, static: bool = False) -> NodeRecord:
        """Place no new rooms on it, or place them again. `static`: it may be one of which there is no record.

        Raises `NotFound`.
        """
        async with self._change() as (session, now):
            if static and await session.get(NodeRow, node) is None:
                session.add(NodeRow(id=node, state=NodeState.STATIC, draining=draining, changed_at=now))
            row = await _known(session, node)
            row.draining, row.changed_at = draining, now
            if row.state == NodeState.STATIC and not draining:
                await session.delete(row)
            return _record(row)

    async def remove(self, node: NodeId) -> NodeRecord:
        """Take its key's word no more, and no token of it. Raises `NotFound`, `Conflict` for a static one."""
        async with self._change() as (session, now):
            row = await _known(session, node)
            if row.state == NodeState.STATIC:
                raise Conflict(f"Node {node} is trusted by NEXUSVIBE_TRUSTED_NODES: take it out there.")
            await session.execute(delete(EnrolmentRow).where(EnrolmentRow.node == node))
            row.state, row.draining, row.changed_at = NodeState.REMOVED, False, now
            return _record(row)

    @asynccontextmanager
    async def _change(self) -> AsyncIterator[tuple[AsyncSession, datetime]]:
        """Counting first makes others wait, so that numbers become visible in their order."""
        async with self._database.transaction() as session:
            await session.execute(update(NodeChangesRow).values(number=NodeChangesRow.number + 1))
            now = await session.scalar(select(func.now(type_=UtcDateTime)))
            if now is None:
                raise RuntimeError("A database tells the time.")
            yield session, now

    @staticmethod
    async def _enter(session: AsyncSession, invited: EnrolmentRow, public_key: str, now: datetime) -> None:
        row = await session.get(NodeRow, invited.node)
        if row is None:
            row = NodeRow(id=invited.node)
            session.add(row)
        elif row.state != NodeState.REMOVED:
            raise EnrolmentRefused
        row.state, row.draining, row.region, row.public_key = NodeState.PENDING, False, invited.region, public_key
        row.enrolled_at, row.approved_at, row.changed_at = now, None, now


async def _known(session: AsyncSession, node: NodeId) -> NodeRow:
    row = await session.get(NodeRow, node)
    if row is None or row.state == NodeState.REMOVED:
        raise NotFound(f"There is no node {node}.")
    return row


async def _forget_old(session: AsyncSession, now: datetime) -> None:
    await session.execute(
        delete(NodeRow).where(NodeRow.state == NodeState.REMOVED, NodeRow.changed_at < now - REMOVED_KEPT)
    )
    await session.execute(delete(EnrolmentRow).where(EnrolmentRow.expires_at < now - REMOVED_KEPT))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _record(row: NodeRow) -> NodeRecord:
    return NodeRecord(
        id=NodeId(row.id),
        state=NodeState(row.state),
        draining=row.draining,
        region=row.region,
        public_key=row.public_key,
        enrolled_at=row.enrolled_at,
        approved_at=row.approved_at,
    )
