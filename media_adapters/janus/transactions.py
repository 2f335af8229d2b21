"""Which message of Janus settles which request. No I/O.

A request gets one reply with its transaction. A plugin request may get an `ack` first and its `event` later, or the
event first (seen on Janus 1.1.2) and the ack when nobody waits for it any more.
"""

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Message = Mapping[str, Any]
Slot = TypeVar("Slot")


@dataclass(frozen=True)
class _Pending(Generic[Slot]):
    slot: Slot
    plugin: bool


class Transactions(Generic[Slot]):
    """Requests under way, each with a `Slot` that says who waits for the reply."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._pending: dict[str, _Pending[Slot]] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def begin(self, slot: Slot, *, plugin: bool) -> str:
        """A fresh transaction. With `plugin` an `ack` does not settle it, only what the plugin says."""
        transaction = f"{self._prefix}{next(self._numbers)}"
        self._pending[transaction] = _Pending(slot, plugin)
        return transaction

    def settle(self, message: Message) -> Slot | None:
        """The slot that this message settles, which is then forgotten; None when it settles nothing."""
        transaction = message.get("transaction", "")
        pending = self._pending.get(transaction)
        if pending is None or (pending.plugin and message.get("janus") == "ack"):
            return None
        del self._pending[transaction]
        return pending.slot

    def forget(self, transaction: str) -> None:
        """Nobody waits any more. Settled or unknown ones are a no-op."""
        self._pending.pop(transaction, None)

    def drain(self) -> list[Slot]:
        """Every open slot; afterwards none is open."""
        slots = [pending.slot for pending in self._pending.values()]
        self._pending.clear()
        return slots
