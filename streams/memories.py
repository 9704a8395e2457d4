"""The redact stage's memory: what placeholders of each conversation stand for, sealed, in a Faust table."""

from typing import Any

from agents.memory import NOTHING, SEALED_AS, Memory, read_memory
from sluice.safe_text import Sealed
from sluice.sealing import KeyGone, Sealer


class Memories:
    """Over a table of bytes (RocksDB with a changelog topic). Use it inside a stream: Faust needs the partition."""

    def __init__(self, table: Any, sealer: Sealer) -> None:
        self._table, self._sealer = table, sealer

    def get(self, session_id: str) -> Sealed | None:
        """As it is kept."""
        stored: Sealed | None = self._table.get(session_id.encode())
        return stored

    def open(self, sealed: Sealed | None, subject: str) -> Memory:
        """Nothing where there is none, or where its person was erased. Raises CannotOpen where it was changed."""
        if sealed is None:
            return NOTHING
        try:
            return read_memory(self._sealer.open(sealed, subject=subject, field=SEALED_AS))
        except KeyGone:
            return NOTHING

    def put(self, session_id: str, memory: Memory, subject: str) -> None:
        """Set, never add: replays happen."""
        self._table[session_id.encode()] = self._sealer.seal(memory.encode(), subject=subject, field=SEALED_AS)
