"""The loop over doubles: order of files, letters and commit, and what happens when one of them fails."""

import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pyarrow.parquet as pq
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from connectors.intake import Intake
from connectors.landed_store import LandedStore
from connectors.landing_zone import LandingZone
from connectors.rejections import DeadLetterOffice
from connectors.sink import Limits, Sink
from connectors.sink_metrics import SinkMetrics
from sluice.codec import Codec
from sluice.dead_letter_topics import REDRIVEN
from sluice.errors import RejectReason, Unavailable
from sluice.events import Event
from sluice.failpoints import Failpoints
from sluice.logs import get_logger
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.topics import catalogue
from tests.doubles import NOON, ManualClock
from tests.samples import SAMPLES
from tests.unit.connectors.doubles import FakeMessage, KeptLetters, ScriptedConsumer

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
USAGE, LETTERS = "llm-usage", "llm-usage-dlq"
METERED = SAMPLES["AttemptMetered"]
PLACE = TopicPartition(USAGE, 0)


def metered(offset: int, **changes: Any) -> FakeMessage:
    return FakeMessage(USAGE, offset, CODEC.encode(cast(Event, msgspec.structs.replace(METERED, **changes))))


def assign(*places: TopicPartition) -> Any:
    return lambda consumer: consumer.on_assign(consumer, [TopicPartition(p.topic, p.partition) for p in places])


@dataclass
class Stage:
    """A sink with all its doubles."""

    zone: LandingZone
    consumer: ScriptedConsumer
    office: KeptLetters
    metrics: SinkMetrics
    sink: Sink
    stopping: threading.Event

    def run(self) -> None:
        self.sink.run(self.stopping)

    def landed(self, topic: str = USAGE) -> list[int]:
        return sorted(
            offset for file in self.zone.files(topic) for offset in pq.read_table(file.path)["_offset"].to_pylist()
        )


def stage(tmp_path: Path, *script: Any, records: int = 100, codec: Any = CODEC, seconds: float = 3600) -> Stage:
    stopping = threading.Event()
    zone, office, metrics = LandingZone(tmp_path), KeptLetters(), SinkMetrics()
    consumer = ScriptedConsumer([assign(PLACE), *script], stopping.set)
    ticks = iter(range(1_000_000))

    def monotonic() -> float:
        return float(next(ticks))

    topics = [catalogue()[USAGE], catalogue()[LETTERS]]
    clock = ManualClock(NOON + timedelta(hours=1))
    intake = Intake(topics, codec, cast(DeadLetterOffice, office), metrics, get_logger(), clock)
    store = LandedStore(zone, "f-1", topics, metrics, get_logger(), monotonic)
    sink = Sink(cast(Consumer, consumer), store, intake, Limits(seconds, records), monotonic, Failpoints())
    return Stage(zone, consumer, office, metrics, sink, stopping)


def test_what_was_read_lands_on_the_way_out(tmp_path: Path) -> None:
    s = stage(tmp_path, metered(0), metered(1, occurred_at=NOON + timedelta(days=1)))
    s.run()
    assert s.landed() == [0, 1]
    assert len([*s.zone.files(USAGE)]) == 2
    assert s.consumer.commits == [{(USAGE, 0): 2}]
    assert s.metrics.records.labels(topic=USAGE)._value.get() == 2


def test_notes_of_what_was_put_back_are_passed_over(tmp_path: Path) -> None:
    note = FakeMessage(LETTERS, 1, None, sent_headers=[(REDRIVEN, b"letter-1")])
    letter = FakeMessage(LETTERS, 0, CODEC.encode(SAMPLES["DeadLetter"]))
    s = stage(tmp_path, assign(TopicPartition(LETTERS, 0)), letter, note)
    s.run()
    assert s.landed(LETTERS) == [0]
    assert s.consumer.commits[-1][LETTERS, 0] == 2
    assert not next(iter(s.metrics.dead_letters.collect())).samples


def test_marks_of_transactions_at_the_end_are_passed_over(tmp_path: Path) -> None:
    def end(at: int) -> FakeMessage:
        return FakeMessage(USAGE, at, failure=KafkaError(KafkaError._PARTITION_EOF))

    s = stage(tmp_path, end(0), metered(0), end(2))
    s.run()
    assert s.landed() == [0]
    assert s.consumer.commits == [{(USAGE, 0): 2}]
    empty = stage(tmp_path / "empty", end(0))
    empty.run()
    assert empty.consumer.commits == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, RejectReason.NULL_RECORD),
        (b"", RejectReason.EMPTY_RECORD),
        (b"hello", RejectReason.BAD_MAGIC_BYTE),
        (b"\x00\x00\x00\xff\xff", RejectReason.UNKNOWN_SCHEMA),
        (CODEC.encode(METERED)[:-3], RejectReason.UNDECODABLE),
        (CODEC.encode(SAMPLES["StageTimed"]), RejectReason.UNEXPECTED_EVENT),
    ],
)
def test_a_bad_record_becomes_a_letter_and_blocks_nothing(
    tmp_path: Path, value: bytes | None, reason: RejectReason
) -> None:
    s = stage(tmp_path, metered(0), FakeMessage(USAGE, 1, value), metered(2))
    s.run()
    assert s.landed() == [0, 2]
    assert [(origin.offset, why) for origin, why in s.office.letters] == [(1, reason)]
    assert s.consumer.commits == [{(USAGE, 0): 3}]


def test_a_value_that_does_not_fit_its_column_becomes_a_letter(tmp_path: Path) -> None:
    s = stage(tmp_path, metered(0), metered(1, attempt=2**40), metered(2))
    s.run()
    assert s.landed() == [0, 2]
    assert [(origin.offset, why) for origin, why in s.office.letters] == [(1, RejectReason.UNDECODABLE)]
    assert s.consumer.commits == [{(USAGE, 0): 3}]


def test_a_file_of_misfits_only_is_not_written(tmp_path: Path) -> None:
    s = stage(tmp_path, metered(0, attempt=2**40))
    s.run()
    assert (s.landed(), len(s.office.letters), s.consumer.commits) == ([], 1, [{(USAGE, 0): 1}])


def test_a_bad_letter_is_passed_over(tmp_path: Path) -> None:
    s = stage(tmp_path, assign(PLACE, TopicPartition(LETTERS, 0)), FakeMessage(LETTERS, 0, b"junk"))
    s.run()
    assert s.office.letters == []
    assert s.consumer.commits == [{(LETTERS, 0): 1}]
    assert s.metrics.dead_letters.labels(topic=LETTERS, reason="bad_magic_byte")._value.get() == 1


def test_no_commit_before_the_letters_are_acknowledged(tmp_path: Path) -> None:
    s = stage(tmp_path, FakeMessage(USAGE, 0, b""), seconds=0)
    s.office.away = 2
    s.run()
    assert s.consumer.commits == [{(USAGE, 0): 1}]
    assert s.metrics.failures._value.get() == 2


def test_a_failed_commit_does_not_land_twice(tmp_path: Path) -> None:
    s = stage(tmp_path, metered(0), metered(1), records=1, seconds=0)
    s.consumer.failures = 1
    s.run()
    assert s.landed() == [0, 1]
    assert s.consumer.commits[-1] == {(USAGE, 0): 2}


def test_a_full_batch_that_cannot_land_stops_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([OSError(28, "full")])
    write = LandingZone.write

    def sometimes(zone: LandingZone, *args: Any) -> Path:
        for failure in failures:
            raise failure
        return write(zone, *args)

    monkeypatch.setattr(LandingZone, "write", sometimes)
    idle = [lambda _c: None] * 3
    s = stage(tmp_path, metered(0), *idle, metered(1), records=1)
    s.run()
    assert s.consumer.calls == ["pause", "resume"]
    assert s.landed() == [0, 1]


def test_a_restart_goes_on_behind_its_own_commit_and_skips_landed_rows(tmp_path: Path) -> None:
    stage(tmp_path, *(metered(offset) for offset in range(4))).run()
    again = stage(tmp_path, *(metered(offset) for offset in range(2, 6)))
    again.consumer.stored = [TopicPartition(USAGE, 0, 2, "f-1")]
    again.run()
    assert again.consumer.assigned[0].offset == 2
    assert again.landed() == [0, 1, 2, 3, 4, 5]


def test_a_commit_made_for_another_folder_is_not_believed(tmp_path: Path) -> None:
    s = stage(tmp_path, metered(0))
    s.consumer.stored = [TopicPartition(USAGE, 0, 9, "f-0")]
    s.run()
    assert s.consumer.assigned[0].offset == OFFSET_BEGINNING
    assert s.landed() == [0]


def test_a_revoked_partition_lands_first_and_a_lost_one_is_dropped(tmp_path: Path) -> None:
    s = stage(
        tmp_path,
        metered(0),
        lambda c: c.on_revoke(c, [PLACE]),
        assign(PLACE),
        metered(1),
        lambda c: c.on_lost(c, [PLACE]),
    )
    s.consumer.stored = [TopicPartition(USAGE, 0, 1, "f-1")]
    s.run()
    assert s.landed() == [0]
    assert s.consumer.commits == [{(USAGE, 0): 1}]


def test_errors_of_the_broker_are_waited_out_unless_fatal(tmp_path: Path) -> None:
    passing = FakeMessage(USAGE, 0, failure=KafkaError(KafkaError._TRANSPORT))
    s = stage(tmp_path, passing, metered(0))
    s.run()
    assert s.landed() == [0]
    for error in (KafkaError(KafkaError._FATAL, "fenced", True), KafkaError(KafkaError._FATAL)):
        with pytest.raises(KafkaException):  # the second is what a consumer's message has: its fatal() says no
            stage(tmp_path, FakeMessage(USAGE, 0, failure=error)).run()


class AbsentRegistry:
    """A codec whose registry is away, and knows the schemas of some records by heart."""

    def __init__(self, *known: bytes | None) -> None:
        self.known = known

    def read(self, value: bytes | None) -> tuple[Event, dict[str, Any]]:
        if value in self.known:
            return CODEC.read(value)
        raise Unavailable("schema registry: away")


def test_without_the_registry_nothing_is_thrown_away(tmp_path: Path) -> None:
    known = metered(1, event_id="known")
    s = stage(tmp_path, [metered(0), known], codec=AbsentRegistry(known.content))
    s.stopping.wait = lambda _timeout=None: bool(s.stopping.set()) or True  # type: ignore[assignment,method-assign]
    s.run()
    assert (s.landed(), s.office.letters, s.consumer.commits) == ([], [], [])
