"""One BigQuery and one Kafka over doubles, which outlive the sinks that run on them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from confluent_kafka import Consumer, TopicPartition

from connectors.batching import Place
from connectors.bigquery.position import Position, read
from connectors.bigquery.store import BigQueryStore
from connectors.connect.tables import landed_tables
from connectors.erasing.erased import NOBODY, Erased
from connectors.intake import Intake
from connectors.rejections import DeadLetterOffice
from connectors.sink import Limits, Sink
from connectors.sink_metrics import SinkMetrics
from sluice.codec import Codec
from sluice.events import Event
from sluice.failpoints import Failpoints
from sluice.logs import get_logger
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.topics import catalogue
from tests.doubles import NOON, ManualClock
from tests.samples import SAMPLES
from tests.unit.connectors.bigquery.doubles import MemoryBigQuery
from tests.unit.connectors.doubles import FakeMessage, KeptLetters, ScriptedConsumer

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
USAGE, TABLE = "llm-usage", "llm_usage"
PLACE = Place(USAGE, 0)
METERED = SAMPLES["AttemptMetered"]


def metered(offset: int, **changes: Any) -> FakeMessage:
    return FakeMessage(USAGE, offset, CODEC.encode(cast(Event, msgspec.structs.replace(METERED, **changes))))


def assign(consumer: ScriptedConsumer) -> None:
    consumer.on_assign(consumer, [TopicPartition(*PLACE)])


@dataclass
class World:
    """One BigQuery and one Kafka, which outlive the sinks."""

    bigquery: MemoryBigQuery = field(default_factory=MemoryBigQuery)
    consumer: ScriptedConsumer = field(default_factory=lambda: ScriptedConsumer([], lambda: None))
    office: KeptLetters = field(default_factory=KeptLetters)
    metrics: SinkMetrics = field(default_factory=lambda: SinkMetrics("bigquery"))
    intents: list[tuple[int, Position | None]] = field(default_factory=list)
    erased: Erased = NOBODY
    member_id: str = "m-1"
    cluster: str = "k-1"

    def run(self, *script: Any, seconds: float = 3600) -> Sink:
        """A sink from its start to its end. Raises what ends it."""
        stopping = threading.Event()
        self.consumer.script, self.consumer.done = [assign, *script], stopping.set
        ticks = iter(range(1_000_000))
        tables = {topic.name: table for table in landed_tables() for topic in table.topics}
        store = BigQueryStore(
            self.bigquery,
            tables,
            self.cluster,
            self.commit,
            self.member,
            lambda: nullcontext(self.erased),
            get_logger(),
        )
        store.declare()
        office, clock = cast(DeadLetterOffice, self.office), ManualClock(NOON)
        intake = Intake([catalogue()[USAGE]], CODEC, office, self.metrics, get_logger(), clock)
        consumer, limits = cast(Consumer, self.consumer), Limits(seconds, 1_000)
        sink = Sink(consumer, store, intake, limits, lambda: float(next(ticks)), Failpoints())
        sink.run(stopping)
        return sink

    def commit(self, offsets: Mapping[Place, tuple[int, str]]) -> None:
        marked = [TopicPartition(*place, offset, mark) for place, (offset, mark) in offsets.items()]
        self.consumer.commit(offsets=marked, asynchronous=False)
        self.intents += [(offset, read(mark)) for offset, mark in offsets.values()]

    def member(self) -> str:
        return self.member_id

    @property
    def written(self) -> list[int]:
        return [row["_offset"] for row in self.bigquery.tables[TABLE]]

    @property
    def committed(self) -> tuple[int, Position | None]:
        (last,) = self.consumer.stored
        return last.offset, read(last.metadata)


def once(when: str, error: Exception) -> Callable[[str], None]:
    """Trouble that comes once."""
    left: Iterator[Exception] = iter([error])

    def trouble(now: str) -> None:
        if now == when:
            for one in left:
                raise one

    return trouble
