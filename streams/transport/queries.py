"""Questions to the log that need no group: a handle of its own, made anew after every error.

After a restart of all brokers an old handle answers `_UNKNOWN_PARTITION` for minutes.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from confluent_kafka import Consumer, KafkaException, TopicPartition

from sluice.kafka_config import Config
from sluice.logs import Logger, get_logger
from streams.transport.member import Partition

T = TypeVar("T")
_SECONDS = 10.0
_AGAIN_SECONDS = 0.25


class Queries:
    """Every question may wait for `seconds` and raises KafkaException: ask from a thread."""

    def __init__(self, config: Config, seconds: float = _SECONDS, log: Logger | None = None) -> None:
        self._config, self._seconds, self._log = config, seconds, log or get_logger()
        self._handle: Consumer | None = None

    @contextmanager
    def handle(self) -> Iterator[Consumer]:
        """To read with. An error that leaves the block costs the handle."""
        self._handle = self._handle or Consumer(dict(self._config))
        try:
            yield self._handle
        except KafkaException:
            self._handle = None
            raise

    async def answered(self, question: Callable[[], T]) -> T:
        """Ask one of the questions below until there is an answer: a broker may be away, or a leader missing."""
        while True:
            try:
                return await asyncio.to_thread(question)
            except KafkaException as error:
                self._log.warning("the log does not answer", reason=error.args[0].name())
                await asyncio.sleep(_AGAIN_SECONDS)

    def watermarks(self, partition: Partition) -> tuple[int, int]:
        """Offset of the first record and the one after the last."""
        with self.handle() as handle:
            low, high = handle.get_watermark_offsets(TopicPartition(*partition), timeout=self._seconds)
            return int(low), int(high)

    def starts(self, partitions: Iterable[Partition]) -> dict[Partition, tuple[int, int]]:
        """Where a group begins to read, and the end of the partition."""
        with self.handle() as handle:
            found = handle.committed([TopicPartition(*partition) for partition in partitions], timeout=self._seconds)
        starts = {}
        for one in found:
            low, high = self.watermarks((one.topic, one.partition))
            starts[one.topic, one.partition] = (max(one.offset, low), high)
        return starts

    def since(self, topics: Iterable[str], partition: int, milliseconds: int) -> dict[str, int]:
        """The first offset of each topic whose record is not older than this time; the end where there is none."""
        asked = [TopicPartition(topic, partition, milliseconds) for topic in topics]
        with self.handle() as handle:
            found = handle.offsets_for_times(asked, timeout=self._seconds)
        return {
            one.topic: one.offset if one.offset >= 0 else self.watermarks((one.topic, partition))[1] for one in found
        }

    def partition_count(self, topic: str) -> int | None:
        """None where there is no such topic."""
        with self.handle() as handle:
            found = handle.list_topics(topic, self._seconds).topics.get(topic)
        return None if found is None or found.error is not None else len(found.partitions)
