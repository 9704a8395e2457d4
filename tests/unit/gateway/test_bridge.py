"""The log's reader over a consumer that is told what Kafka would say."""

import asyncio
import queue
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition
from prometheus_client import CollectorRegistry

from gateway import bridge as bridge_module
from gateway import log_reader as module
from gateway.bridge import Bridge
from gateway.history import History
from gateway.hub import Hub
from gateway.log_reader import HISTORY_TOPICS, LogReader
from gateway.progress import Progress
from gateway.pulse import Pulse
from sluice.dead_letters import DeadLetters
from sluice.errors import Unavailable
from sluice.events import DeadLetter
from sluice.key_files import make_key_files, read_key_file
from sluice.letter_box import PUBLIC_FILE
from sluice.logs import get_logger
from sluice.metrics import Metrics, make_metrics
from sluice.partitioning import partition_for
from sluice.topics import catalogue
from tests.doubles import ManualClock
from tests.samples import SAMPLES, TURN_ID
from tests.unit.gateway.doubles import CODEC, StoppableLog
from tests.waiting import meanwhile

REPLIES = "chat-replies"
PARTITION = partition_for("s-1", catalogue()[REPLIES].partitions)
NEVER = 10**9


@dataclass
class Record:
    """A message of librdkafka, or its word that something is wrong."""

    topic_: str
    value_: bytes | None = None
    offset_: int = 0
    partition_: int = PARTITION
    error_: int | None = None

    def error(self) -> KafkaError | None:
        return None if self.error_ is None else KafkaError(self.error_)

    def topic(self) -> str:
        return self.topic_

    def partition(self) -> int:
        return self.partition_

    def offset(self) -> int:
        return self.offset_

    def value(self) -> bytes | None:
        return self.value_

    def key(self) -> bytes:
        return b"s-1"

    def headers(self) -> list[tuple[str, bytes]]:
        return []

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_700_000_000_000


@dataclass
class ToldConsumer:
    """Gives what is in `waiting`; notes what it is asked."""

    waiting: queue.SimpleQueue[Record | Exception] = field(default_factory=queue.SimpleQueue)
    assigned: list[tuple[str, int, int]] = field(default_factory=list)
    unassigned: list[int] = field(default_factory=list)
    end: int = 0
    start: int = 0
    refusals: int = 0
    closed: bool = False
    gathers: bool = False
    history_ends: dict[tuple[str, int], int] = field(default_factory=dict)

    def incremental_assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned += [(p.topic, p.partition, p.offset) for p in partitions]

    def incremental_unassign(self, partitions: list[TopicPartition]) -> None:
        self.unassigned += [p.partition for p in partitions]

    def offsets_for_times(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        if self.refusals:
            self.refusals -= 1
            raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE))
        return [TopicPartition(p.topic, p.partition, self.start) for p in partitions]

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        return 0, self.end

    def list_topics(self, timeout: float) -> None:
        """Looks at the cluster anew."""

    def poll(self, timeout: float) -> Record | None:
        try:
            found = self.waiting.get(timeout=0.005)
        except queue.Empty:
            return None
        if isinstance(found, Exception):
            raise found
        return found

    def consume(self, count: int, timeout: float) -> list[Any]:
        found = self.poll(timeout) if self.gathers else None
        return [] if found is None else [found]

    def close(self) -> None:
        self.closed = True

    def followed(self) -> list[tuple[int, int]]:
        return [(partition, offset) for topic, partition, offset in self.assigned if topic == REPLIES]


@dataclass
class Reading:
    """A bridge with all its surroundings."""

    bridge: Bridge
    consumer: ToldConsumer
    past: ToldConsumer
    hub: Hub
    history: History
    log: StoppableLog
    metrics: Metrics

    def give(self, name: str, topic: str, offset: int, **over: Any) -> None:
        reader = self.consumer if topic == REPLIES else self.past
        reader.waiting.put(Record(topic, CODEC.encode(SAMPLES[name]), offset, **over))


@pytest.fixture
def codec() -> Any:
    return CODEC


@pytest.fixture
async def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: Any) -> AsyncIterator[Reading]:
    consumer, past = ToldConsumer(), ToldConsumer(gathers=True)
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.001)
    make_key_files(tmp_path)
    letters = DeadLetters(CODEC, read_key_file(tmp_path, PUBLIC_FILE), "sluice-gateway", ManualClock())
    history = History(tmp_path / "h", "cluster")
    history.record([], {("chat-turns", 2): 17})
    hub, log, metrics = Hub(ManualClock()), StoppableLog(), make_metrics(CollectorRegistry())
    progress = Progress(lambda: consumer.history_ends)
    progress.reached(history.positions())
    bridge = Bridge(hub, progress, Pulse(lambda: None, get_logger()))
    reader = LogReader(
        *(
            consumer,
            lambda: consumer,
            past,
            codec,
            history,
            log,
            letters,
            ManualClock(),
            metrics,
            get_logger(),
            pytest.fail,
        ),  # type: ignore[arg-type]
        *(bridge.wanted, bridge.deliver, bridge.on_loop),
    )
    assert not bridge.healthy
    bridge.start(reader)
    await meanwhile(lambda: past.assigned)
    await meanwhile(lambda: progress.is_current)
    yield Reading(bridge, consumer, past, hub, history, log, metrics)
    await bridge.stop()
    assert consumer.closed
    assert past.closed
    history.close()


async def test_the_history_is_read_on_from_where_it_stood(reading: Reading):
    assert reading.bridge.healthy
    positions = {(topic, partition): offset for topic, partition, offset in reading.past.assigned}
    assert positions["chat-turns", 2] == 17
    assert set(positions.values()) == {17, OFFSET_BEGINNING}
    assert len(positions) == sum(catalogue()[topic].partitions for topic in HISTORY_TOPICS)
    reading.give("ChatRequested", "chat-requests", 4)
    reading.give("TurnFinished", "chat-turns", 8)
    await meanwhile(lambda: ("chat-turns", PARTITION) in reading.history.positions())
    assert reading.history.positions()["chat-requests", PARTITION] == 5
    stored = reading.history.turn(TURN_ID)
    assert stored is not None
    assert stored.state == "completed"


async def test_want_returns_at_the_end_as_it_was_and_the_replies_are_known(reading: Reading):
    reading.consumer.start, reading.consumer.end = 3, 6
    waiting = asyncio.create_task(reading.bridge.want("s-1"))
    await meanwhile(reading.consumer.followed)
    assert reading.consumer.followed() == [(PARTITION, 3)]
    reading.give("AttemptStarted", REPLIES, 3)
    reading.give("DeltaProduced", REPLIES, 4)
    await meanwhile(lambda: TURN_ID in reading.hub.replies)
    assert not waiting.done()
    reading.give("StopRequested", REPLIES, 5)
    await waiting
    assert reading.hub.replies[TURN_ID].text == "grüß 😀"


async def test_an_empty_partition_is_caught_up_by_kafkas_word(reading: Reading):
    waiting = asyncio.create_task(reading.bridge.want("s-1"))
    await meanwhile(reading.consumer.followed)
    end = KafkaError._PARTITION_EOF
    reading.past.waiting.put(Record("chat-turns", error_=end))
    reading.consumer.waiting.put(Record(REPLIES, error_=end, partition_=PARTITION + 1))
    reading.consumer.waiting.put(Record(REPLIES, error_=end))
    await waiting
    assert reading.bridge.healthy


async def test_a_partition_is_read_once_for_all_and_left_some_time_after_the_last(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bridge_module, "_LINGER_SECONDS", 0.01)
    first = asyncio.create_task(reading.bridge.want("s-1"))
    await meanwhile(reading.consumer.followed)
    reading.consumer.waiting.put(Record(REPLIES, error_=KafkaError._PARTITION_EOF))
    await first
    await reading.bridge.want("s-1")
    assert len(reading.consumer.followed()) == 1
    reading.bridge.release("s-1")
    assert reading.consumer.unassigned == []
    reading.bridge.release("s-1")
    await meanwhile(lambda: reading.consumer.unassigned == [PARTITION])
    again = asyncio.create_task(reading.bridge.want("s-1"))
    await meanwhile(lambda: len(reading.consumer.followed()) == 2)
    assert not again.done()
    reading.consumer.waiting.put(Record(REPLIES, error_=KafkaError._PARTITION_EOF))
    await again


async def test_who_comes_back_at_once_changes_nothing(reading: Reading):
    first = asyncio.create_task(reading.bridge.want("s-1"))
    await meanwhile(reading.consumer.followed)
    reading.consumer.waiting.put(Record(REPLIES, error_=KafkaError._PARTITION_EOF))
    await first
    reading.bridge.release("s-1")
    await reading.bridge.want("s-1")
    reading.give("AttemptStarted", REPLIES, 0)
    await meanwhile(lambda: TURN_ID in reading.hub.replies)


async def test_a_partition_that_is_read_still_is_told_to_be_known_at_once(reading: Reading):
    """Wanted again before the reader has obeyed that it was not."""
    first = asyncio.create_task(reading.bridge.want("s-1"))
    await meanwhile(reading.consumer.followed)
    reading.consumer.waiting.put(Record(REPLIES, error_=KafkaError._PARTITION_EOF))
    await first
    again = reading.bridge._caught_up[PARTITION] = asyncio.Event()
    reading.bridge._follow(PARTITION)
    await meanwhile(again.is_set)
    assert len(reading.consumer.followed()) == 1


async def test_a_log_that_does_not_answer_is_not_waited_for_and_nothing_stays_wanted(reading: Reading):
    reading.bridge.pulse.beats = False
    with pytest.raises(TimeoutError):
        await reading.bridge.want("s-1")
    assert not reading.bridge._users
    reading.bridge.pulse.beats = True


async def test_an_empty_past_begins_at_the_end_as_it_was_before_it_was_asked(reading: Reading):
    reading.consumer.start, reading.consumer.end = -1, 41
    waiting = asyncio.create_task(reading.bridge.want("s-1"))
    await meanwhile(reading.consumer.followed)
    assert reading.consumer.followed() == [(PARTITION, 41)]
    reading.consumer.waiting.put(Record(REPLIES, error_=KafkaError._PARTITION_EOF))
    await waiting


async def test_the_history_is_current_when_all_is_read_also_what_has_expired(reading: Reading):
    reading.consumer.history_ends = {("chat-turns", 1): 30, ("chat-turns", 3): 0}
    waiting = asyncio.create_task(reading.bridge.progress.catch_up())
    await meanwhile(lambda: reading.bridge.progress._waiting)
    end = KafkaError._PARTITION_EOF
    reading.past.waiting.put(Record("chat-turns", offset_=30, partition_=1, error_=end))
    await waiting


async def test_what_kafka_refuses_now_is_asked_again(reading: Reading):
    reading.consumer.refusals = 2
    waiting = asyncio.create_task(reading.bridge.want("s-1"))
    await meanwhile(lambda: reading.consumer.refusals == 0)
    await meanwhile(reading.consumer.followed)
    reading.consumer.waiting.put(Record(REPLIES, error_=KafkaError._PARTITION_EOF))
    await waiting
    reading.give("ChatRequested", "chat-requests", 0)
    await meanwhile(lambda: reading.bridge.healthy)


async def test_trouble_is_seen_and_gone_with_the_next_record(reading: Reading, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_QUIET_POLLS", NEVER)
    reading.consumer.waiting.put(Record(REPLIES, error_=KafkaError._ALL_BROKERS_DOWN))
    await meanwhile(lambda: not reading.bridge.healthy)
    reading.give("AttemptStarted", REPLIES, 0)
    await meanwhile(lambda: reading.bridge.healthy)
    reading.consumer.waiting.put(KafkaException(KafkaError(KafkaError._TRANSPORT)))
    await meanwhile(lambda: not reading.bridge.healthy)
    reading.give("DeltaProduced", REPLIES, 1)
    await meanwhile(lambda: reading.bridge.healthy)


async def test_trouble_of_an_idle_log_passes_without_a_record(reading: Reading, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_QUIET_POLLS", NEVER)
    reading.consumer.waiting.put(Record(REPLIES, error_=KafkaError._ALL_BROKERS_DOWN))
    await meanwhile(lambda: not reading.bridge.healthy)
    monkeypatch.setattr(module, "_QUIET_POLLS", 1)
    await meanwhile(lambda: reading.bridge.healthy)


async def test_what_cannot_be_read_is_put_away_and_passed(reading: Reading):
    reading.past.waiting.put(Record("chat-turns", b"garbage", 41))
    await meanwhile(lambda: reading.log.records)
    ((topic, key, value, _),) = reading.log.records
    letter = CODEC.decode(value)
    assert isinstance(letter, DeadLetter)
    assert (topic, key, letter.reason) == ("chat-turns-dlq", f"{PARTITION}-41", "bad_magic_byte")
    await meanwhile(lambda: reading.history.positions().get(("chat-turns", PARTITION)) == 42)
    labels = {"topic": "chat-turns", "reason": "bad_magic_byte"}
    assert reading.metrics.registry.get_sample_value("sluice_dead_letters_total", labels) == 1


@dataclass
class RegistryAwayOnce:
    """A codec whose registry does not answer the first time."""

    asked: int = 0

    def decode(self, value: bytes | None) -> Any:
        self.asked += 1
        if self.asked == 1:
            raise Unavailable("registry")
        return CODEC.decode(value)


class TestWithARegistryThatIsAwayForAMoment:
    @pytest.fixture
    def codec(self) -> RegistryAwayOnce:
        return RegistryAwayOnce()

    async def test_no_record_is_lost(self, reading: Reading):
        reading.give("ChatRequested", "chat-requests", 0)
        reading.give("TurnFinished", "chat-turns", 0)
        await meanwhile(lambda: ("chat-turns", PARTITION) in reading.history.positions())
        assert reading.history.positions()["chat-requests", PARTITION] == 1


class RegistryAway:
    """A codec whose registry never answers."""

    def decode(self, value: bytes | None) -> Any:
        raise Unavailable("registry")


class TestWithARegistryThatStaysAway:
    @pytest.fixture
    def codec(self) -> RegistryAway:
        return RegistryAway()

    async def test_stopping_passes_nothing_over(self, reading: Reading):
        reading.give("ChatRequested", "chat-requests", 0)
        await meanwhile(lambda: not reading.bridge.healthy)
        await reading.bridge.stop()
        assert ("chat-requests", PARTITION) not in reading.history.positions()
