"""The enrich stage's memory: conversations in a Faust table, and a bounded wait for a turn's predecessor."""

import asyncio
from datetime import datetime
from typing import Any

import msgspec

from agents.enrich import Conversation, finished
from agents.forgetting import Order, forgets
from sluice.events import TurnFinished
from streams.table_entries import forget_entries


class _Whose(msgspec.Struct, frozen=True):
    """The part of a conversation that says whose it is and how old."""

    user_id: str
    touched_at: datetime | None = None


class Conversations:
    """Over a table of bytes (RocksDB with a changelog topic). Use it inside a stream: Faust needs the partition."""

    def __init__(self, table: Any, keep: int) -> None:
        self._table = table
        self._keep = keep
        self._waiting: dict[str, asyncio.Event] = {}

    def get(self, session_id: str) -> Conversation | None:
        """What is known of a session."""
        stored = self._table.get(session_id.encode())
        return None if stored is None else msgspec.json.decode(stored, type=Conversation)

    def put(self, session_id: str, conversation: Conversation) -> None:
        """Set, never count: replays happen."""
        self._table[session_id.encode()] = msgspec.json.encode(conversation)

    def finish(self, turn: TurnFinished) -> None:
        """Add a finished turn and wake who waits for it."""
        self.put(turn.session_id, finished(self.get(turn.session_id), turn, self._keep))
        if turn.turn_id in self._waiting:
            self._waiting.pop(turn.turn_id).set()

    async def forget(self, order: Order, partition: int) -> int:
        """Of the conversations in a partition, those that the order is about; how many."""

        def unwanted(stored: bytes) -> bool:
            kept = msgspec.json.decode(stored, type=_Whose)
            return forgets(order, kept.user_id, kept.touched_at)

        return await forget_entries(self._table, partition, unwanted)

    async def wait_for(self, turn_id: str, seconds: float) -> bool:
        """Until the turn is finished. False where it takes longer."""
        event = self._waiting.setdefault(turn_id, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            self._waiting.pop(turn_id, None)
            return False
        return True
