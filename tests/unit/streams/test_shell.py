"""Runner, publisher, stops and conversations, without Kafka and Faust."""

import asyncio
import io
from dataclasses import dataclass, field
from types import SimpleNamespace

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from agents.enrich import Conversation
from sluice import logs
from sluice.codec import Codec
from sluice.dead_letters import DeadLetters
from sluice.errors import Unavailable
from sluice.events import DeadLetter, StopRequested, TurnFinished
from sluice.key_files import make_key_files, read_key_file
from sluice.letter_box import PUBLIC_FILE
from sluice.metrics import make_metrics
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from streams.conversations import Conversations
from streams.delivery import Delivery
from streams.fuse import Fuse
from streams.runner import Runner
from streams.stops import Stops
from tests.doubles import ManualClock, MemoryLog
from tests.samples import SAMPLES, TRACE

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))


@dataclass
class FakeEvent:
    """What the runner uses of a Faust event, and its claim."""

    value: bytes | None
    headers: object = field(default_factory=lambda: [("traceparent", TRACE.encode())])
    acked: int = 0
    alive: bool = True
    repeated: bool = False

    @property
    def message(self) -> SimpleNamespace:
        return SimpleNamespace(
            topic="chat-controls",
            partition=2,
            offset=9,
            timestamp=1.5,
            key=b"s-1",
            value=self.value,
            headers=self.headers,
        )

    def finish(self) -> None:
        self.acked += 1


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def crashes() -> list[str]:
    return []


@pytest.fixture
def lines() -> io.StringIO:
    stream = io.StringIO()
    logs.configure("test", stream)
    return stream


@pytest.fixture
def runner_of(tmp_path, log: MemoryLog, crashes: list[str], lines: io.StringIO):
    make_key_files(tmp_path)
    letters = DeadLetters(CODEC, read_key_file(tmp_path, PUBLIC_FILE), "sluice-test", ManualClock())

    def make(step) -> Runner:
        return Runner(
            expected=(StopRequested,),
            step=step,
            codec=CODEC,
            producer=log,
            dead_letters=letters,
            metrics=make_metrics(CollectorRegistry()),
            log=logs.get_logger(),
            crash=crashes.append,
            fuse=Fuse(0.5, 10),
            moved=lambda: None,
            before=lambda: None,
            after=lambda: None,
        )

    return make


GOOD = CODEC.encode(SAMPLES["StopRequested"])


async def test_a_handled_event_is_acknowledged_after_its_output(runner_of, log: MemoryLog):
    event = FakeEvent(GOOD)

    async def step(_event: StopRequested, delivery: Delivery) -> None:
        await delivery.emit(SAMPLES["TurnCancelled"])
        await delivery.emit(SAMPLES["DeltaProduced"])
        await delivery.emit(SAMPLES["ErasureRequested"])
        assert event.acked == 0

    await runner_of(step)(event, event)
    assert event.acked == 1
    assert [(topic, key) for topic, key, _, _ in log.records] == [
        ("chat-replies", "s-1"),
        ("chat-replies", "s-1"),
        ("erasure-requests", "e-1"),
    ]
    assert log.records[0][3] == [("traceparent", TRACE.encode())]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null_record"),
        (b"", "empty_record"),
        (b"x", "bad_magic_byte"),
        (CODEC.encode(SAMPLES["TurnFailed"]), "unexpected_event"),
    ],
)
async def test_what_cannot_be_used_is_put_away_and_acknowledged(runner_of, log: MemoryLog, value, reason):
    async def step(_event: StopRequested, _delivery: Delivery) -> None:
        raise AssertionError("never called")

    event = FakeEvent(value, headers={"traceparent": TRACE.encode()})
    await runner_of(step)(event, event)
    assert event.acked == 1
    ((topic, _, raw, _),) = log.records
    letter = CODEC.decode(raw)
    assert isinstance(letter, DeadLetter)
    assert (topic, letter.reason, letter.origin_offset) == ("chat-controls-dlq", reason, 9)


async def test_what_is_away_is_waited_for(runner_of, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("streams.runner._FIRST_PAUSE_SECONDS", 0.001)
    tries: list[int] = []
    event = FakeEvent(GOOD)

    async def step(_event: StopRequested, _delivery: Delivery) -> None:
        assert event.acked == 0
        tries.append(1)
        if len(tries) < 3:
            raise Unavailable("away")

    await runner_of(step)(event, event)
    assert (len(tries), event.acked) == (3, 1)


async def test_output_that_was_not_taken_is_tried_again(runner_of, log: MemoryLog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("streams.runner._FIRST_PAUSE_SECONDS", 0.001)
    log.away = True
    event = FakeEvent(GOOD)
    tries: list[int] = []

    async def step(_event: StopRequested, delivery: Delivery) -> None:
        tries.append(1)
        log.away = len(tries) < 3
        await delivery.emit(SAMPLES["TurnCancelled"])

    await runner_of(step)(event, event)
    assert (len(tries), len(log.records), event.acked) == (3, 1, 1)


async def test_a_bug_ends_the_process_without_acknowledging_and_without_words(runner_of, crashes, lines: io.StringIO):
    event = FakeEvent(GOOD)

    async def step(_event: StopRequested, _delivery: Delivery) -> None:
        raise ValueError("@".join(("jane", "example.com")))

    await runner_of(step)(event, event)
    assert (crashes, event.acked) == (["step failed: ValueError"], 0)
    assert "jane@example.com" not in lines.getvalue()
    assert '"error": "ValueError"' in lines.getvalue()


async def test_cancelled_work_is_not_acknowledged(runner_of, crashes):
    event = FakeEvent(GOOD)
    started = asyncio.Event()

    async def step(_event: StopRequested, _delivery: Delivery) -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(runner_of(step)(event, event))
    await started.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (task.cancelled(), event.acked, crashes) == (True, 0, [])


async def test_stops_may_come_before_or_after_their_turn(monkeypatch: pytest.MonkeyPatch):
    stops = Stops()
    stops.stop("t-1")
    assert stops.signal_for("t-1").given
    signal = stops.signal_for("t-2")
    stops.stop("t-2")
    assert signal.given
    monkeypatch.setattr("streams.stops._REMEMBERED", 2)
    stops.signal_for("t-3")
    assert not stops.signal_for("t-1").given


async def test_conversations_are_kept_and_waited_for():
    finished = SAMPLES["TurnFinished"]
    assert isinstance(finished, TurnFinished)
    conversations = Conversations({}, keep=5)
    assert conversations.get("s-1") is None
    conversations.put("s-1", Conversation(user_id="usr_1"))
    assert not await conversations.wait_for(finished.turn_id, 0.01)
    waiting = asyncio.create_task(conversations.wait_for(finished.turn_id, 5))
    await asyncio.sleep(0)
    conversations.finish(finished)
    assert await waiting
    conversations.finish(msgspec.structs.replace(finished, turn_id="t-2"))
    kept = conversations.get("s-1")
    assert kept is not None
    assert [exchange.turn_id for exchange in kept.exchanges] == [finished.turn_id, "t-2"]


async def test_work_whose_partition_has_gone_is_not_begun(runner_of, log: MemoryLog):
    event = FakeEvent(None, alive=False)
    await runner_of(None)(event, event)
    assert (event.acked, log.records) == (0, [])


async def test_a_second_pass_knows_that_it_is_one(runner_of, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("streams.runner._FIRST_PAUSE_SECONDS", 0.001)
    passes: list[bool] = []

    async def step(_event: StopRequested, delivery: Delivery) -> None:
        passes.append(delivery.repeated)
        if len(passes) == 1:
            raise Unavailable("away")

    event = FakeEvent(GOOD)
    await runner_of(step)(event, event)
    assert passes == [False, True]


async def test_a_stage_that_puts_too_much_away_stops(runner_of, crashes):
    runner = runner_of(None)
    for number in range(10):
        event = FakeEvent(b"x")
        await runner(event, event)
        assert (number, event.acked) == (number, 1)
    assert crashes == ["fuse burnt: 10 of the last 10 records were put away"]
