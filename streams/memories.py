"""The redact stage's memory: what placeholders of each conversation stand for, sealed, in a Faust table."""

from datetime import datetime
from typing import Any

import msgspec

from agents.forgetting import Order, forgets
from agents.memory import NOTHING, SEALED_AS, Memory, read_memory
from sluice.safe_text import Sealed
from sluice.sealing import KeyGone, Sealer
from streams.table_entries import forget_entries


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """An entry: whose it is, when it was written, and the memory under its person's key."""

    user_id: str
    touched_at: datetime
    sealed: bytes


class Memories:
    """Over a table of bytes (RocksDB with a changelog topic). Use it inside a stream: Faust needs the partition."""

    def __init__(self, table: Any, sealer: Sealer) -> None:
        self._table, self._sealer = table, sealer

    def get(self, session_id: str) -> Kept | None:
        """As it is kept."""
        stored = self._table.get(session_id.encode())
        return None if stored is None else _read(stored)

    def open(self, kept: Kept | None, subject: str) -> Memory:
        """Nothing where there is none, or where its person was erased. Raises CannotOpen where it was changed."""
        if kept is None:
            return NOTHING
        try:
            return read_memory(self._sealer.open(Sealed(kept.sealed), subject=subject, field=SEALED_AS))
        except KeyGone:
            return NOTHING

    def put(self, session_id: str, memory: Memory, subject: str, at: datetime) -> None:
        """Set, never add: replays happen."""
        sealed = self._sealer.seal(memory.encode(), subject=subject, field=SEALED_AS)
        self._table[session_id.encode()] = msgspec.msgpack.encode(Kept(subject, at, sealed))

    async def forget(self, order: Order, partition: int) -> int:
        """Of the memories in a partition, those that the order is about; how many."""

        def unwanted(stored: bytes) -> bool:
            kept = _read(stored)
            return kept is None or forgets(order, kept.user_id, kept.touched_at)

        return await forget_entries(self._table, partition, unwanted)


def _read(stored: bytes) -> Kept | None:
    """None for what is no entry: an older version may have left it. Its conversation begins anew."""
    try:
        return msgspec.msgpack.decode(stored, type=Kept)
    except msgspec.DecodeError:
        return None
