"""The sink's loop: read, batch, land, and only then commit."""

import gc
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.batching import Batch, Place, Portion, Row
from connectors.columns import columns_of, landed_fields
from connectors.compaction import Compaction
from connectors.landing_zone import LandingZone
from connectors.rejections import DeadLetterOffice
from connectors.sink_metrics import SinkMetrics
from connectors.tables import table_of
from sluice.clock import Clock
from sluice.codec import Codec
from sluice.dead_letter_topics import is_note
from sluice.dead_letters import Origin
from sluice.errors import Rejected, RejectReason, Unavailable
from sluice.events import Event
from sluice.failpoints import Failpoints
from sluice.kafka_records import origin_of
from sluice.logs import Logger, fact
from sluice.topics import DEAD_LETTER_SUFFIX, Topic

_POLL_SECONDS = 0.2
_RETRY_SECONDS = 1.0
_BATCH_BYTES = 6_000_000
"""Encoded; as rows of Python they are some ten times as large."""
_MOST_AT_ONCE = 500
_OUTSIDE = (OSError, Unavailable, KafkaException)
"""What can fail in a flush without being our fault: disk and broker. It is tried again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a flush is due: whichever comes first."""

    seconds: float
    records: int
    bytes: int = _BATCH_BYTES


@dataclass(slots=True)
class Sink:
    """One consumer, one folder. `folder_id` marks the commits that speak about this folder."""

    consumer: Consumer
    zone: LandingZone
    folder_id: str
    topics: Collection[Topic]
    codec: Codec
    office: DeadLetterOffice
    metrics: SinkMetrics
    log: Logger
    limits: Limits
    clock: Clock
    monotonic: Callable[[], float]
    failpoints: Failpoints = field(default_factory=Failpoints)
    compact_seconds: float = 0.0
    """Between looks at small files, each of which merges some at the most; 0: never."""
    _compaction: Compaction = field(init=False)
    _compact_at: float = 0.0
    _batch: Batch = field(default_factory=Batch)
    _columns: dict[str, pa.Schema] = field(default_factory=dict)
    _declared: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _due_at: float = 0.0
    _paused: bool = False

    def run(self, stopping: threading.Event) -> None:
        """Land until told to stop, then land what was read. Raises KafkaException where Kafka fences us off."""
        self._columns = {topic.name: columns_of(topic) for topic in self.topics}
        self._declared = {topic.name: topic.events for topic in self.topics}
        for topic in self.topics:
            self.zone.declare(topic)
        self.consumer.subscribe(
            [topic.name for topic in self.topics],
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._lost,
        )
        self._due_at = self.monotonic() + self.limits.seconds
        self._compaction = Compaction(self.zone)
        while not stopping.is_set():
            messages = self.consumer.consume(_MOST_AT_ONCE, _POLL_SECONDS)
            for message in messages:
                if stopping.is_set():
                    break  # what was not taken comes again; to take what follows would pass it over
                self._take(message, stopping)
            if not messages:
                self._measure_lag()
            if self.monotonic() >= self._due_at or (self._full and not self._paused):
                self._measure_lag()
                self._try_to_flush()
            if self.compact_seconds and not self._batch.count and self.monotonic() >= self._compact_at:
                self._compact()
        self.flush()

    def flush(self) -> None:
        """Files first, then dead letters, then the commit. Raises what the disk or the broker raises."""
        for portion in [*self._batch.portions()]:
            self._land(portion)
        self.office.settle()
        offsets = self._batch.commits()
        if offsets:
            self.failpoints.reach("landing.before_commit")
            self.consumer.commit(
                offsets=[TopicPartition(*place, offset, self.folder_id) for place, offset in offsets.items()],
                asynchronous=False,
            )
            self._batch.committed(offsets)

    @property
    def _full(self) -> bool:
        return self._batch.count >= self.limits.records or self._batch.size >= self.limits.bytes

    def _measure_lag(self) -> None:
        oldest = self._batch.oldest
        self.metrics.lag_seconds.set((self.clock() - oldest).total_seconds() if oldest else 0.0)

    def _try_to_flush(self) -> None:
        try:
            self.flush()
            gc.collect()
            pa.default_memory_pool().release_unused()
        except _OUTSIDE as error:
            self.metrics.failures.inc()
            self.log.error("flush failed, will be tried again", error=fact(f"{type(error).__name__}: {error}"))
            self._due_at = self.monotonic() + _RETRY_SECONDS
            if self._full and not self._paused:
                self.consumer.pause(self.consumer.assignment())
                self._paused = True
            return
        self._due_at = self.monotonic() + self.limits.seconds
        if self._paused:
            self.consumer.resume(self.consumer.assignment())
            self._paused = False

    def _compact(self) -> None:
        """One step; the next comes at once where there was something to do."""
        try:
            merged = self._compaction.step([topic.name for topic in self.topics])
        except OSError as error:
            self.metrics.failures.inc()
            self.log.warning("files stay as they are", error=fact(f"{type(error).__name__}: {error}"))
            merged = None
        if merged is None:
            self._compact_at = self.monotonic() + self.compact_seconds
        else:
            pa.default_memory_pool().release_unused()
            self.metrics.compacted.inc(merged.files)
            self.log.info("files merged", file=fact(merged.path.name), files=merged.files)

    def _take(self, message: Message, stopping: threading.Event) -> None:
        failure = message.error()
        if failure is not None:
            if failure.fatal():
                raise KafkaException(failure)
            if failure.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 (librdkafka's own name)
                self._reach_end(message)
                return
            self.log.warning("kafka says", error=fact(failure.name()), topic=fact(message.topic()))
            return
        value, offset = message.value(), message.offset() or 0
        place = Place(message.topic() or "", message.partition() or 0)
        if not self._batch.is_new(place, offset) or (value is None and _is_note(message)):
            self._batch.pass_over(place, offset)
            return
        try:
            read = self._decode(place.topic, value, stopping)
        except Rejected as rejected:
            self._reject(origin_of(message), rejected)
            self._batch.pass_over(place, offset)
            return
        if read is None:
            return
        event, fields = read
        own = landed_fields(type(event).__name__, fields)
        logged_ms = max(0, message.timestamp()[1])
        record = partial(origin_of, message)
        self._batch.take(Row(place, offset, event.occurred_at.date(), logged_ms, own, len(value or b""), record))

    def _reach_end(self, message: Message) -> None:
        """The last offsets of a partition may be marks of transactions, which nobody is given."""
        end = int(message.offset() or 0)
        if end > 0:
            self._batch.pass_over(Place(str(message.topic()), int(message.partition() or 0)), end - 1)

    def _decode(
        self, topic: str, value: bytes | None, stopping: threading.Event
    ) -> tuple[Event, dict[str, Any]] | None:
        """None where the registry stays away until we are told to stop; the record then comes again."""
        while True:
            try:
                read = self.codec.read(value)
            except Unavailable as error:
                self.log.error("waiting for the schema registry", error=fact(error))
                self._try_to_flush()
                if stopping.wait(_RETRY_SECONDS):
                    return None
                continue
            name = type(read[0]).__name__
            if name not in self._declared[topic]:
                raise Rejected(RejectReason.UNEXPECTED_EVENT, name)
            return read

    def _reject(self, origin: Origin, rejected: Rejected) -> None:
        self.metrics.dead_letters.labels(topic=origin.topic, reason=rejected.reason.value).inc()
        self.log.warning(
            "record rejected",
            topic=fact(origin.topic),
            partition=origin.partition,
            offset=origin.offset,
            reason=fact(rejected.reason.value),
        )
        if not origin.topic.endswith(DEAD_LETTER_SUFFIX):  # a letter about a letter could go on for ever
            self.office.put(origin, rejected)

    def _land(self, portion: Portion) -> None:
        columns = self._columns[portion.place.topic]
        with self.zone.erased.while_landing() as erased:
            try:
                table = table_of(portion, columns, self.clock(), erased)
            except (pa.ArrowException, OverflowError):
                portion = self._without_misfits(portion, columns)
                if not portion.rows:
                    return
                table = table_of(portion, columns, self.clock(), erased)
            path = self.zone.write(portion, table)
        self.failpoints.reach("landing.file_written")
        self._batch.settle(portion)
        topic = portion.place.topic
        self.metrics.records.labels(topic=topic).inc(len(portion.rows))
        self.metrics.files.labels(topic=topic).inc()
        self.log.info("landed", file=fact(path.name), records=len(portion.rows))

    def _without_misfits(self, portion: Portion, columns: pa.Schema) -> Portion:
        """Put away rows whose values decode but do not fit their column, such as an int of more than 32 bits."""
        good: list[Row] = []
        for row in portion.rows:
            try:
                table_of(Portion(portion.place, portion.day, (row,)), columns, self.clock())
            except (pa.ArrowException, OverflowError) as error:
                self._reject(row.origin(), Rejected(RejectReason.UNDECODABLE, f"{type(error).__name__} in a column"))
                self._batch.settle(Portion(portion.place, portion.day, (row,)))
            else:
                good.append(row)
        return Portion(portion.place, portion.day, tuple(good))

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in consumer.committed(partitions):
            known = partition.metadata == self.folder_id and partition.offset >= 0
            start = partition.offset if known else 0
            place = Place(partition.topic, partition.partition)
            self._batch.open(place, self.zone.landed(place, start))
            wanted = next(tp for tp in partitions if (tp.topic, tp.partition) == place)
            wanted.offset = start if known else OFFSET_BEGINNING
        consumer.assign(partitions)
        self._paused = False

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._try_to_flush()
        self._lost(consumer, partitions)

    def _lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self._batch.drop(Place(partition.topic, partition.partition))


def _is_note(message: Message) -> bool:
    origin = origin_of(message)
    return is_note(origin.topic, origin.value, origin.headers)
