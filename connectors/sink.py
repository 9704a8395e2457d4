"""The loop of a sink: read, batch, land, and only then commit."""

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from connectors.batching import Place
from connectors.intake import RETRY_SECONDS, Intake
from connectors.runs import Runs
from sluice.errors import ConfigurationError, Unavailable
from sluice.failpoints import FailpointName, Failpoints
from sluice.logs import fact

_POLL_SECONDS = 0.2
_ANSWER_SECONDS = 10.0
_BATCH_BYTES = 6_000_000
"""Encoded; as rows of Python they are some ten times as large."""
_MOST_AT_ONCE = 500
_OUTSIDE = (OSError, Unavailable, KafkaException)
"""What can fail in a flush without being our fault: disk, broker, warehouse. It is tried again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a flush is due: whichever comes first."""

    seconds: float
    records: int
    bytes: int = _BATCH_BYTES


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a partition goes on, None at its first record, and what the store holds of what follows."""

    offset: int | None
    landed: Runs


class StartAnew(Unavailable):
    """What was learnt at the start holds no more: only another start helps, not another try."""


class Store(Protocol):
    """Where a sink's rows go."""

    before_commit: FailpointName
    after_commit: FailpointName

    def begin(self, place: Place, committed: int | None, mark: str) -> Beginning:
        """Take a partition over, with what the last commit says of it."""
        ...

    def land(self, intake: Intake) -> None:
        """All that waits, settled row by row as it is there for good.

        Raises OSError, Unavailable, KafkaException; StartAnew ends the process.
        """
        ...

    def mark(self, place: Place) -> str:
        """Goes into the metadata of a partition's commit."""
        ...

    def rest(self) -> None:
        """There is a moment to spare: nothing waits to be landed."""
        ...


@dataclass(slots=True)
class Sink:
    """One consumer, one store."""

    consumer: Consumer
    store: Store
    intake: Intake
    limits: Limits
    monotonic: Callable[[], float]
    failpoints: Failpoints
    _due_at: float = 0.0
    _paused: bool = False

    def run(self, stopping: threading.Event) -> None:
        """Land until told to stop, then land what was read. Raises KafkaException where Kafka fences us off."""
        self.consumer.subscribe(
            [topic.name for topic in self.intake.topics],
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
        )
        self._due_at = self.monotonic() + self.limits.seconds
        while not stopping.is_set():
            messages = self.consumer.consume(_MOST_AT_ONCE, _POLL_SECONDS)
            for message in messages:
                if stopping.is_set():
                    break  # what was not taken comes again; to take what follows would pass it over
                self.intake.take(message, stopping, self._try_to_flush)
            if not messages:
                self._measure_lag()
            if self.monotonic() >= self._due_at or (self._full and not self._paused):
                self._measure_lag()
                self._try_to_flush()
            if not self.intake.batch.count:
                self.store.rest()
        self.flush()

    def flush(self) -> None:
        """Rows first, then dead letters, then the commit. Raises what disk, broker or warehouse raise."""
        batch = self.intake.batch
        self.store.land(self.intake)
        self.intake.office.settle()
        offsets = batch.commits()
        if offsets:
            self.failpoints.reach(self.store.before_commit)
            marked = [TopicPartition(*place, offset, self.store.mark(place)) for place, offset in offsets.items()]
            self.consumer.commit(offsets=marked, asynchronous=False)
            self.failpoints.reach(self.store.after_commit)
            batch.committed(offsets)

    @property
    def _full(self) -> bool:
        batch = self.intake.batch
        return batch.count >= self.limits.records or batch.size >= self.limits.bytes

    def _measure_lag(self) -> None:
        oldest = self.intake.batch.oldest
        lag = (self.intake.clock() - oldest).total_seconds() if oldest else 0.0
        self.intake.metrics.lag_seconds.set(lag)

    def _try_to_flush(self) -> None:
        try:
            self.flush()
            gc.collect()
            pa.default_memory_pool().release_unused()
        except StartAnew:
            raise
        except _OUTSIDE as error:
            self.intake.metrics.failures.inc()
            self.intake.log.error("flush failed, will be tried again", error=fact(f"{type(error).__name__}: {error}"))
            self._due_at = self.monotonic() + RETRY_SECONDS
            if self._full and not self._paused:
                self.consumer.pause(self.consumer.assignment())
                self._paused = True
            return
        self._due_at = self.monotonic() + self.limits.seconds
        if self._paused:
            self.consumer.resume(self.consumer.assignment())
            self._paused = False

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in consumer.committed(partitions):
            place = Place(partition.topic, partition.partition)
            committed = partition.offset if partition.offset >= 0 else None
            found = self.store.begin(place, committed, partition.metadata or "")
            self.intake.batch.open(place, found.landed)
            wanted = next(tp for tp in partitions if (tp.topic, tp.partition) == place)
            wanted.offset = OFFSET_BEGINNING if found.offset is None else found.offset
            if found.offset is not None and found.offset > (committed or 0):
                _check_end(consumer, place, found.offset)
                self.intake.batch.pass_over(place, found.offset - 1)  # so that the commit follows
        consumer.assign(partitions)
        self._paused = False

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._try_to_flush()
        self._lost(consumer, partitions)

    def _lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self.intake.batch.drop(Place(partition.topic, partition.partition))


def _check_end(consumer: Consumer, place: Place, start: int) -> None:
    """Raises ConfigurationError where the store holds what this log has not: all up to there would be passed over."""
    _, end = consumer.get_watermark_offsets(TopicPartition(*place), _ANSWER_SECONDS)
    if start > end:
        raise ConfigurationError(
            f"log_behind_store: {place.topic} partition {place.partition} ends at offset {end}, and what was landed of "
            f"it reaches to {start - 1}: the topic was made anew, or has lost records, and its offsets mean other "
            "records now. Move what was landed away, or put the topic back: until then nothing is written."
        )
