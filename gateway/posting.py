"""Telemetry to the log: nobody waits for it, and it outlives a broker that is away for longer than a delivery may take.

The events have derived ids, so one that is written twice counts once.
"""

import asyncio
from dataclasses import dataclass, field

from sluice.errors import Unavailable
from sluice.kafka_config import Headers
from sluice.kafka_producer import Producing

Record = tuple[str, str, bytes, Headers]
_AGAIN_SECONDS = 1.0


@dataclass(slots=True)
class Posting:
    """Hands over at once, and again where the log gave up. Beyond `most` undelivered records, new ones are lost."""

    producer: Producing
    most: int = 10_000
    undelivered: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def post(self, record: Record) -> None:
        """Returns once the record is in the producer's queue."""
        if self.undelivered >= self.most:
            return
        self.undelivered += 1
        await self._hand_over(record)

    async def _hand_over(self, record: Record) -> None:
        try:
            report = await self.producer.put(*record)
        except Unavailable:
            self._again(record)
        except BaseException:
            self.undelivered -= 1
            raise
        else:
            report.add_done_callback(lambda done: self._reported(record, done))

    def _reported(self, record: Record, report: asyncio.Future[int]) -> None:
        if report.cancelled() or report.exception() is None:
            self.undelivered -= 1
        else:
            self._again(record)

    def _again(self, record: Record) -> None:
        asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._start, record)

    def _start(self, record: Record) -> None:
        task = asyncio.get_running_loop().create_task(self._hand_over(record))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
