"""What every sink does with a record before it is a row: decode it, or put it away and go on."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
from confluent_kafka import KafkaError, KafkaException, Message

from connectors.batching import Batch, Place, Portion, Row
from connectors.columns import columns_of, landed_fields
from connectors.erasing.erased import NOBODY, Erased
from connectors.rejections import DeadLetterOffice
from connectors.sink_metrics import SinkMetrics
from connectors.tables import table_of
from sluice.clock import Clock
from sluice.codec import Codec
from sluice.dead_letter_topics import is_note
from sluice.dead_letters import Origin
from sluice.errors import Rejected, RejectReason, Unavailable
from sluice.events import Event
from sluice.kafka_fatal import is_fatal
from sluice.kafka_records import origin_of
from sluice.logs import Logger, fact
from sluice.topics import DEAD_LETTER_SUFFIX, Topic

RETRY_SECONDS = 1.0


@dataclass(slots=True)
class Intake:
    """From Kafka's messages to the rows of a batch. What cannot be a row goes to the office."""

    topics: Collection[Topic]
    codec: Codec
    office: DeadLetterOffice
    metrics: SinkMetrics
    log: Logger
    clock: Clock
    batch: Batch = field(default_factory=Batch)
    _columns: dict[str, pa.Schema] = field(init=False)
    _declared: dict[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Columns and events of each topic are looked up once."""
        self._columns = {topic.name: columns_of(topic) for topic in self.topics}
        self._declared = {topic.name: topic.events for topic in self.topics}

    def take(self, message: Message, stopping: threading.Event, waiting: Callable[[], object]) -> None:
        """`waiting` is called while the registry stays away. Raises KafkaException where Kafka says it is fatal."""
        failure = message.error()
        if failure is not None:
            if is_fatal(failure):
                raise KafkaException(failure)
            if failure.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 (librdkafka's own name)
                self._reach_end(message)
                return
            self.log.warning("kafka says", error=fact(failure.name()), topic=fact(message.topic()))
            return
        value, offset = message.value(), message.offset() or 0
        place = Place(message.topic() or "", message.partition() or 0)
        if not self.batch.is_new(place, offset) or (value is None and _is_note(message)):
            self.batch.pass_over(place, offset)
            return
        try:
            read = self._decode(place.topic, value, stopping, waiting)
        except Rejected as rejected:
            self.reject(origin_of(message), rejected)
            self.batch.pass_over(place, offset)
            return
        if read is None:
            return
        event, fields = read
        own = landed_fields(type(event).__name__, fields)
        logged_ms = max(0, message.timestamp()[1])
        record = partial(origin_of, message)
        self.batch.take(Row(place, offset, event.occurred_at.date(), logged_ms, own, len(value or b""), record))

    def reject(self, origin: Origin, rejected: Rejected) -> None:
        """Put a record away."""
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

    def fitted(self, portion: Portion, erased: Erased = NOBODY) -> tuple[Portion, Any]:
        """Rows that fit their columns, and the `pyarrow.Table` of them. The others are put away and settled."""
        columns = self._columns[portion.place.topic]
        try:
            return portion, table_of(portion, columns, self.clock(), erased)
        except (pa.ArrowException, OverflowError):
            portion = self._without_misfits(portion, columns)
            return portion, table_of(portion, columns, self.clock(), erased)

    def _without_misfits(self, portion: Portion, columns: pa.Schema) -> Portion:
        """Put away rows whose values decode but do not fit their column, such as an int of more than 32 bits."""
        good: list[Row] = []
        for row in portion.rows:
            try:
                table_of(Portion(portion.place, portion.day, (row,)), columns, self.clock())
            except (pa.ArrowException, OverflowError) as error:
                self.misfit(row, f"{type(error).__name__} in a column")
            else:
                good.append(row)
        return Portion(portion.place, portion.day, tuple(good))

    def misfit(self, row: Row, why: str) -> None:
        """Put away a row that the store does not take."""
        self.reject(row.origin(), Rejected(RejectReason.UNDECODABLE, why))
        self.batch.settle(Portion(row.place, row.day, (row,)))

    def _reach_end(self, message: Message) -> None:
        """The last offsets of a partition may be marks of transactions, which nobody is given."""
        end = int(message.offset() or 0)
        if end > 0:
            self.batch.pass_over(Place(str(message.topic()), int(message.partition() or 0)), end - 1)

    def _decode(
        self, topic: str, value: bytes | None, stopping: threading.Event, waiting: Callable[[], object]
    ) -> tuple[Event, dict[str, Any]] | None:
        """None where the registry stays away until we are told to stop; the record then comes again."""
        while True:
            try:
                read = self.codec.read(value)
            except Unavailable as error:
                self.log.error("waiting for the schema registry", error=fact(error))
                waiting()
                if stopping.wait(RETRY_SECONDS):
                    return None
                continue
            name = type(read[0]).__name__
            if name not in self._declared[topic]:
                raise Rejected(RejectReason.UNEXPECTED_EVENT, name)
            return read


def _is_note(message: Message) -> bool:
    origin = origin_of(message)
    return is_note(origin.topic, origin.value, origin.headers)
