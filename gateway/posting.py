"""Telemetry to the log: nobody waits for its acknowledgement, and a record the log gave up on is handed over again.

What waits is in memory: the end of the process loses it. The events have derived ids, so one that is written twice
counts once.
"""

import asyncio
from dataclasses import dataclass, field

from sluice.errors import Unavailable
from sluice.kafka_config import Headers
from sluice.kafka_producer import Producing
from sluice.metrics import Metrics

Record = tuple[str, str, bytes, Headers]
_AGAIN_SECONDS = 1.0


@dataclass(slots=True)
class Posting:
    """Keeps at most `most` records that are not acknowledged; beyond, new ones are dropped and counted."""

    producer: Producing
    metrics: Metrics
    most: int = 10_000
    undelivered: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def post(self, record: Record) -> None:
        """Returns once the record is in the producer's queue, waits to be handed over again, or is dropped.

        Raises what the producer raises but Unavailable; such a record is dropped too.
        """
        if self.undelivered >= self.most:
            self._drop()
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
            self._drop()
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

    def _drop(self) -> None:
        self.metrics.count("sluice_telemetry_dropped_total")
