"""Records the member has fetched and Faust has not taken, by partition. Lives on the event loop."""

import asyncio
from collections import deque
from collections.abc import Mapping

from confluent_kafka import Message as Record
from faust.types import TP, ConsumerMessage

from streams.transport.member import Member, Partition

_PLACED_SECONDS = 10.0


class Inbox:
    """What comes for a partition that is not held, or that is being placed, is stale and left out."""

    def __init__(self) -> None:
        self.held: set[TP] = set()
        self._buffers: dict[TP, deque[Record]] = {}
        self._placing: dict[TP, deque[asyncio.Future[None]]] = {}
        self._arrived: asyncio.Future[None] | None = None

    def add(self, records: list[Record]) -> None:
        """The member has fetched these."""
        for record in records:
            tp = TP(record.topic(), record.partition())
            if tp in self.held and tp not in self._placing:
                self._buffers.setdefault(tp, deque()).append(record)
        if self._arrived is not None:
            _resolve(self._arrived)

    def placed(self, partitions: set[Partition]) -> None:
        """The member reads from the new places: nothing fetched before can come any more."""
        for partition in partitions:
            tp = TP(*partition)
            _resolve(self._placing[tp].popleft())
            if not self._placing[tp]:
                del self._placing[tp]

    def drop(self, gone: set[TP]) -> None:
        """These have another owner."""
        self.held -= gone
        for tp in gone:
            self._buffers.pop(tp, None)

    def take(self, active: set[TP] | None, member: Member) -> dict[TP, list[Record]]:
        """All there is now for these partitions; None for every one."""
        found = {
            tp: list(buffer) for tp, buffer in self._buffers.items() if buffer and (active is None or tp in active)
        }
        for tp, records in found.items():
            self._buffers[tp].clear()
            member.taken(tp, len(records))
        return found

    async def arrival(self, deadline: float) -> None:
        """Returns when something has come, or at this time of the loop's clock."""
        loop = asyncio.get_running_loop()
        self._arrived = loop.create_future()
        handle = loop.call_at(deadline, _resolve, self._arrived)
        try:
            await self._arrived
        finally:
            handle.cancel()

    async def place(self, offsets: Mapping[TP, int], member: Member) -> None:
        """Read held partitions from these offsets on. Returns once no record fetched before can come any more."""
        loop = asyncio.get_running_loop()
        wanted = {tp: offset for tp, offset in offsets.items() if tp in self.held}
        waits = []
        for tp in wanted:
            self._buffers.pop(tp, None)
            done = loop.create_future()
            self._placing.setdefault(tp, deque()).append(done)
            waits.append(done)
        member.place(wanted)
        if waits:
            await asyncio.wait(waits, timeout=_PLACED_SECONDS)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def message_of(tp: TP, record: Record, generation_id: int) -> ConsumerMessage:
    """As Faust takes it."""
    key, value = record.key(), record.value()
    kind, milliseconds = record.timestamp()
    return ConsumerMessage(
        tp.topic,
        tp.partition,
        record.offset(),
        milliseconds / 1000.0,
        kind,
        record.headers() or [],
        key,
        value,
        None,
        len(key or b""),
        len(value or b""),
        tp,
        generation_id=generation_id,
    )
