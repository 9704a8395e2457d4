"""Executor, runner, publisher, stops and conversations, without Kafka and Faust."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
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
from streams.executor import KeyedExecutor
from streams.publisher import Publisher
from streams.runner import Runner
from streams.stops import Stops
from tests.doubles import ManualClock, MemoryLog
from tests.samples import SAMPLES, TRACE

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=25), st.integers(1, 5))
def test_order_within_a_key_and_a_bound_over_all(jobs: list[tuple[str, int]], limit: int):
    done: list[tuple[str, int]] = []
    running: set[str] = set()
    most = 0

    async def main() -> None:
        executor = KeyedExecutor(limit)

        def job(key: str, number: int, turns: int) -> Callable[[], Awaitable[None]]:
            async def work() -> None:
                nonlocal most
                assert key not in running
                running.add(key)
                most = max(most, len(running))
                for _ in range(turns):
                    await asyncio.sleep(0)
                running.discard(key)
                done.append((key, number))

            return work

        for number, (key, turns) in enumerate(jobs):
            await executor.submit(key.encode(), job(key, number, turns))
        while executor.running:  # noqa: ASYNC110 (until the loop has nothing left)
            await asyncio.sleep(0)

    asyncio.run(main())
    assert sorted(done) == sorted((key, number) for number, (key, _) in enumerate(jobs))
    for key in "abc":
        numbers = [number for name, number in done if name == key]
        assert numbers == sorted(numbers)
    assert most <= limit


async def test_a_slow_key_does_not_hold_another():
    executor = KeyedExecutor(10)
    never, quick = asyncio.Event(), asyncio.Event()

    async def done() -> None:
        quick.set()

    await executor.submit(b"slow", never.wait)
    await executor.submit(b"quick", done)
    await asyncio.wait_for(quick.wait(), 5)
    await executor.stop()


async def test_a_full_executor_holds_its_caller_and_stop_frees_everything():
    executor = KeyedExecutor(2)
    never = asyncio.Event()
    await executor.submit(b"a", never.wait)
    await executor.submit(b"a", never.wait)
    third = asyncio.create_task(executor.submit(b"b", never.wait))
    await asyncio.sleep(0.01)
    assert not third.done()
    await executor.stop()
    await asyncio.wait_for(third, 5)
    await executor.stop()
    assert executor.running == 0


@dataclass
class FakeEvent:
    """What the runner uses of a Faust event."""

    value: bytes | None
    headers: object = field(default_factory=lambda: [("traceparent", TRACE.encode())])
    acked: int = 0

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

    def ack(self) -> None:
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
            crash=lambda: crashes.append("crashed"),
        )

    return make


GOOD = CODEC.encode(SAMPLES["StopRequested"])


async def test_a_handled_event_is_acknowledged_after_its_output(runner_of, log: MemoryLog):
    event = FakeEvent(GOOD)

    async def step(_event: StopRequested, publisher: Publisher) -> None:
        await publisher.emit(SAMPLES["TurnCancelled"])
        await publisher.emit(SAMPLES["DeltaProduced"])
        await publisher.emit(SAMPLES["ErasureRequested"])
        assert event.acked == 0

    await runner_of(step)(event)
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
    async def step(_event: StopRequested, _publisher: Publisher) -> None:
        raise AssertionError("never called")

    event = FakeEvent(value, headers={"traceparent": TRACE.encode()})
    await runner_of(step)(event)
    assert event.acked == 1
    ((topic, _, raw, _),) = log.records
    letter = CODEC.decode(raw)
    assert isinstance(letter, DeadLetter)
    assert (topic, letter.reason, letter.origin_offset) == ("chat-controls-dlq", reason, 9)


async def test_what_is_away_is_waited_for(runner_of, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("streams.runner._FIRST_PAUSE_SECONDS", 0.001)
    tries: list[int] = []
    event = FakeEvent(GOOD)

    async def step(_event: StopRequested, _publisher: Publisher) -> None:
        assert event.acked == 0
        tries.append(1)
        if len(tries) < 3:
            raise Unavailable("away")

    await runner_of(step)(event)
    assert (len(tries), event.acked) == (3, 1)


async def test_output_that_was_not_taken_is_tried_again(runner_of, log: MemoryLog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("streams.runner._FIRST_PAUSE_SECONDS", 0.001)
    log.away = True
    event = FakeEvent(GOOD)
    tries: list[int] = []

    async def step(_event: StopRequested, publisher: Publisher) -> None:
        tries.append(1)
        log.away = len(tries) < 3
        await publisher.emit(SAMPLES["TurnCancelled"])

    await runner_of(step)(event)
    assert (len(tries), len(log.records), event.acked) == (3, 1, 1)


async def test_a_bug_ends_the_process_without_acknowledging_and_without_words(runner_of, crashes, lines: io.StringIO):
    event = FakeEvent(GOOD)

    async def step(_event: StopRequested, _publisher: Publisher) -> None:
        raise ValueError("@".join(("jane", "example.com")))

    await runner_of(step)(event)
    assert (crashes, event.acked) == (["crashed"], 0)
    assert "jane@example.com" not in lines.getvalue()
    assert '"error": "ValueError"' in lines.getvalue()


async def test_cancelled_work_is_not_acknowledged(runner_of, crashes):
    event = FakeEvent(GOOD)
    started = asyncio.Event()

    async def step(_event: StopRequested, _publisher: Publisher) -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(runner_of(step)(event))
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
