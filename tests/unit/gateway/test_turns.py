"""Use cases, history and access: what a client can ask for, without Kafka and sockets."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from gateway.access import Access
from gateway.delivery import DeliveryTimes
from gateway.documents import stored_frames
from gateway.event_log import EventLog
from gateway.frames import Cancelled, Completed, Delta, Feedback, Latency, MessageSend, UsageShown
from gateway.history import History
from gateway.hub import Hub
from gateway.posting import Posting
from gateway.turns import Turns
from sluice.audit import Mark
from sluice.bots import load_bots
from sluice.codec import Codec
from sluice.errors import ErrorCode, Refused, Unavailable
from sluice.events import ChatRequested, FeedbackGiven, StopRequested, TurnFinished
from sluice.ids import turn_id_for
from sluice.kafka_config import Headers
from sluice.key_store import DataKey, KeyUnusable, MemoryKeyStore
from sluice.metrics import make_metrics
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.sealing import Sealer
from sluice.settings import Settings
from tests.doubles import NOON, ManualClock, MemoryLog
from tests.samples import SAMPLES, TRACE, TURN_ID
from tests.unit.gateway.doubles import QuietReading
from tests.waiting import meanwhile

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
REQUEST, FINISHED = SAMPLES["ChatRequested"], SAMPLES["TurnFinished"]
assert isinstance(REQUEST, ChatRequested)
assert isinstance(FINISHED, TurnFinished)
MESSAGE = MessageSend("m-1", "s-1", "my words", "assistant")


@pytest.fixture
def history(tmp_path: Path):
    opened = History(tmp_path / "history.sqlite", "cluster-1")
    yield opened
    opened.close()


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def turns(history: History, log: MemoryLog) -> Turns:
    clock = ManualClock()
    sealer = Sealer(MemoryKeyStore(), "default")
    metrics = make_metrics(CollectorRegistry())
    bots, hub = load_bots(Settings()), Hub(clock)
    events = EventLog(CODEC, log, Posting(log, metrics))
    return Turns(bots, history, QuietReading(), hub, events, sealer, clock)


async def test_a_session_that_is_called_like_a_card_is_refused(turns: Turns, log: MemoryLog):
    named = msgspec.structs.replace(MESSAGE, session_id="jane-4111111111111111")
    with pytest.raises(Refused) as refused:
        await turns.accept("usr_1", named, TRACE)
    assert (refused.value.code, log.records) == (ErrorCode.ID_SAYS_TOO_MUCH, [])


class LostKeys(MemoryKeyStore):
    def current(self, subject: str) -> DataKey:
        raise Unavailable("Vault does not answer") if subject == "usr_1" else KeyUnusable("changed")


@pytest.mark.parametrize("user_id", ["usr_1", "usr_2"])
async def test_what_cannot_be_sealed_is_not_taken(turns: Turns, log: MemoryLog, user_id: str):
    turns.sealer = Sealer(LostKeys(), "default")
    marks: list[Mark] = []
    turns.note = marks.append
    with pytest.raises(Refused) as refused:
        await turns.accept(user_id, MESSAGE, TRACE)
    assert refused.value.code is (ErrorCode.KEYS_UNAVAILABLE if user_id == "usr_1" else ErrorCode.KEYS_UNUSABLE)
    assert log.records == []
    assert marks == ([] if user_id == "usr_1" else [Mark("usr_2", "keys.use", "failed", "unusable", "usr_2")])


def events(log: MemoryLog) -> list:
    return [CODEC.decode(value) for _, _, value, _ in log.records]


async def test_accepted_is_on_the_log_sealed_and_in_the_trace(turns: Turns, log: MemoryLog):
    turn_id = await turns.accept("usr_1", MESSAGE, TRACE)
    request, timed = events(log)
    assert isinstance(request, ChatRequested)
    assert (request.turn_id, request.session_id, log.records[0][0]) == (turn_id, "s-1", "chat-requests")
    assert b"my words" not in log.records[0][2]
    assert turns.sealer.open(request.text, subject="usr_1", field="ChatRequested.text") == "my words"
    assert request.traceparent.split("-")[1] == TRACE.split("-")[1]
    assert (timed.stage, timed.outcome) == ("accept", "passed")


async def test_a_resend_is_the_same_turn_and_writes_nothing(turns: Turns, log: MemoryLog):
    first = await turns.accept("usr_1", MESSAGE)
    written = len(log.records)
    assert await turns.accept("usr_1", MESSAGE) == first
    assert len(log.records) == written


async def test_a_log_that_is_away_is_a_retryable_refusal_and_leaves_no_mark(turns: Turns, log: MemoryLog):
    log.away = True
    with pytest.raises(Refused) as refused:
        await turns.accept("usr_1", MESSAGE)
    assert (refused.value.code.value, refused.value.code.kind.retryable, refused.value.ref) == (
        "log_unavailable",
        True,
        "m-1",
    )
    assert turns.history.owner("s-1") is None
    log.away = False
    assert await turns.accept("usr_1", MESSAGE)


@dataclass
class SlowLog(MemoryLog):
    """Acknowledges and gives up when it is told to."""

    reports: list[asyncio.Future[int]] = field(default_factory=list)

    async def put(self, topic: str, key: str, value: bytes, headers: Headers) -> asyncio.Future[int]:
        self.reports.append(asyncio.get_running_loop().create_future())
        return self.reports[-1]


async def test_a_resend_waits_with_the_first_and_is_written_where_that_was_given_up(turns: Turns):
    turns.log.producer = log = SlowLog()
    first, *resends = (asyncio.create_task(turns.accept("usr_1", MESSAGE)) for _ in range(3))
    await meanwhile(lambda: log.reports)
    await asyncio.sleep(0)
    log.reports[0].set_exception(Unavailable("kafka: too old"))
    with pytest.raises(Refused, match="log_unavailable"):
        await first
    await meanwhile(lambda: len(log.reports) == 2)
    log.reports[1].set_result(0)
    assert await asyncio.gather(*resends) == [turn_id_for("usr_1", "s-1", "m-1")] * 2
    assert len(log.reports) == 2
    assert turns.log.pending == {}


async def test_a_session_with_many_unanswered_messages_may_send_again_once_one_is_answered(turns: Turns):
    turns.session_turns = 3
    messages = [MessageSend(f"m-{number}", "s-1", "my words", "assistant") for number in range(5)]
    answers = await asyncio.gather(*(turns.accept("usr_1", message) for message in messages), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [(one.code.value, one.code.kind.retryable) for one in refused] == [("too_many_turns", True)] * 2
    assert await turns.accept("usr_1", MessageSend("m-9", "s-2", "my words", "assistant"))
    assert await turns.accept("usr_1", messages[0]) == answers[0]
    finished = msgspec.structs.replace(FINISHED, turn_id=answers[0], session_id="s-1", user_id="usr_1", epoch=9)
    turns.history.record([finished])
    assert await turns.accept("usr_1", messages[4])


async def test_who_saw_a_turn_end_finds_its_end_in_the_history(turns: Turns):
    turn_id = await turns.accept("usr_1", MESSAGE)
    same = {"turn_id": turn_id, "session_id": "s-1", "user_id": "usr_1"}
    finished = msgspec.structs.replace(FINISHED, **same)
    assert isinstance(turns.reading, QuietReading)
    turns.reading.behind = lambda: turns.history.record([finished])

    def read() -> list:
        return turns.history.turns("s-1", ("", ""), 10)

    (running,) = await turns.with_ends(read, "s-1")
    assert (running.document, turns.reading.asked) == (None, 0)
    started = msgspec.structs.replace(SAMPLES["AttemptStarted"], **same)
    turns.hub.take(started)
    turns.hub.take(msgspec.structs.replace(SAMPLES["TurnCompleted"], **same, attempt_id=started.attempt_id))
    assert turns.hub.replies[turn_id].terminal is not None
    (ended,) = await turns.with_ends(read, "s-1")
    assert ended.document is not None
    assert turns.reading.asked == 1


async def test_a_session_belongs_to_who_wrote_first(turns: Turns):
    turn_id = await turns.accept("usr_1", MESSAGE)
    with pytest.raises(Refused, match="session_forbidden"):
        await turns.accept("usr_2", MESSAGE)
    with pytest.raises(Refused, match="not_found"):
        await turns.find("usr_2", turn_id)


async def test_stop_and_feedback_go_to_the_controls(turns: Turns, log: MemoryLog):
    turn_id = await turns.accept("usr_1", MESSAGE)
    await turns.stop("usr_1", turn_id)
    await turns.judge("usr_1", Feedback(turn_id, "down", "bad words"))
    await turns.judge("usr_1", Feedback(turn_id, "up"))
    stop, down, up = events(log)[-3:]
    assert isinstance(stop, StopRequested)
    assert isinstance(down, FeedbackGiven)
    assert turns.sealer.open(down.comment, subject="usr_1", field="FeedbackGiven.comment") == "bad words"
    assert up.comment is None


async def test_a_finished_turn_cannot_be_stopped(turns: Turns):
    turns.history.record([FINISHED])
    with pytest.raises(Refused, match="turn_finished"):
        await turns.stop("usr_1", FINISHED.turn_id)


async def test_a_turn_is_shown_as_far_as_it_is(turns: Turns):
    turns.history.record([REQUEST])
    shown = turns.show(await turns.find("usr_1", TURN_ID))
    assert (shown["state"], shown["answer"]) == ("accepted", None)
    turns.hub.take(SAMPLES["AttemptStarted"])
    turns.hub.take(SAMPLES["DeltaProduced"])
    shown = turns.show(await turns.find("usr_1", TURN_ID))
    assert (shown["state"], shown["answer"]) == ("running", "grüß 😀")
    turns.history.record([FINISHED])
    shown = turns.show(await turns.find("usr_1", TURN_ID))
    assert (shown["state"], shown["question"], shown["cost_usd"]) == ("completed", "Hello", "0.0000036")


def test_the_order_and_repetition_of_records_do_not_matter(tmp_path: Path):
    seen = set()
    for number, order in enumerate(([REQUEST, FINISHED], [FINISHED, REQUEST], [FINISHED, REQUEST, FINISHED, REQUEST])):
        history = History(tmp_path / str(number), "c")
        for event in order:
            history.record([event])
        turn = history.turn(TURN_ID)
        assert turn is not None
        assert turn.document is not None
        seen.add((turn.state, turn.document["answer"], history.sessions("usr_1", ("9999", ""), 10)[0].title))
        history.close()
    assert seen == {("completed", "Hello again", "Hello")}


def test_positions_and_rows_are_one_transaction(history: History):
    with pytest.raises(AssertionError):
        history.record([REQUEST, None], {("chat-turns", 1): 5})  # type: ignore[list-item]
    assert (history.positions(), history.turn(TURN_ID)) == ({}, None)
    history.record([REQUEST], {("chat-turns", 1): 5})
    assert history.positions() == {("chat-turns", 1): 5}


def test_another_cluster_begins_anew(tmp_path: Path):
    first = History(tmp_path / "h", "cluster-1")
    first.record([FINISHED], {("chat-turns", 0): 9})
    first.close()
    same = History(tmp_path / "h", "cluster-1")
    assert same.owner("s-1") == "usr_1"
    same.close()
    other = History(tmp_path / "h", "cluster-2")
    assert (other.owner("s-1"), other.positions()) == (None, {})
    other.close()


def test_a_foreign_event_changes_neither_owner_nor_title(history: History):
    history.record([REQUEST])
    history.record([msgspec.structs.replace(FINISHED, user_id="usr_2", state="failed", error_code="internal")])
    assert history.owner("s-1") == "usr_1"
    assert history.sessions("usr_1", ("9999", ""), 10)[0].title is None


def test_old_turns_come_as_snapshot_and_end(history: History):
    history.record([FINISHED])
    turn = history.turn(TURN_ID)
    assert turn is not None
    assert [type(frame).__name__ for frame in stored_frames(turn)] == ["Snapshot", "Completed"]
    failed = msgspec.structs.replace(FINISHED, turn_id="t-f", state="failed", error_code="model_timeout")
    stopped = msgspec.structs.replace(FINISHED, turn_id="t-s", state="cancelled")
    history.record([failed, stopped])
    shown = [stored_frames(found) for name in ("t-f", "t-s") if (found := history.turn(name)) is not None]
    assert [[type(frame).__name__ for frame in frames] for frames in shown] == [
        ["Snapshot", "Failed"],
        ["Snapshot", "Cancelled"],
    ]


def access(clock: ManualClock, **over) -> Access:
    return Access(b"k" * 64, b"p" * 64, clock, 60, **({"dev_tokens": True} | over))


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic x"}, {"authorization": "Bearer"}])
async def test_without_a_bearer_nobody_is_known(headers):
    with pytest.raises(Refused, match="unauthenticated"):
        await access(ManualClock()).person(headers, ("read",))


def test_origins_are_exact():
    gate = access(ManualClock(), allowed_origins=("https://chat.example",))
    gate.check_origin({"host": "h:1"})
    gate.check_origin({"host": "h:1", "origin": "http://h:1"})
    gate.check_origin({"host": "h:1", "origin": "https://chat.example"})
    others = ("https://chat.example.evil", "http://chat.example", "https://chat.example:8443", "https://a.chat.example")
    written = (
        "https://chat.example/",
        "https://CHAT.example",
        "https://chat.example ",
        "https://chat.example@evil.example",
    )
    schemes = ("https://h:1", "ftp://h:1", "http://h:1/x")
    for origin in (*others, *written, *schemes, "http://h:2", "http://h", "http://x@h:1", "null", ""):
        with pytest.raises(Refused, match="origin_refused"):
            gate.check_origin({"host": "h:1", "origin": origin})


def test_over_tls_the_own_origin_is_https():
    gate = access(ManualClock(), own_scheme="https")
    gate.check_origin({"host": "h:1", "origin": "https://h:1"})
    with pytest.raises(Refused, match="origin_refused"):
        gate.check_origin({"host": "h:1", "origin": "http://h:1"})


@pytest.mark.parametrize(
    ("host", "client"), [("evil.example:8080", "127.0.0.1"), ("127.0.0.1:8080", "10.0.0.9"), ("", None)]
)
def test_development_tokens_are_for_loopback(host, client):
    with pytest.raises(Refused, match="origin_refused"):
        access(ManualClock()).development_token({"host": host}, client)


def test_development_tokens_can_be_off():
    assert access(ManualClock()).development_token({"host": "[::1]:8080"}, "127.0.0.1")
    with pytest.raises(Refused, match="not_found"):
        access(ManualClock(), dev_tokens=False).development_token({"host": "localhost"}, "127.0.0.1")


def test_delivery_is_timed_by_the_frames_that_went_out():
    clock = ManualClock()
    times = DeliveryTimes("usr_1", clock, make_metrics(CollectorRegistry()))
    times.accepted("t-1", "s-1", "b", NOON)
    clock.advance(milliseconds=30)
    assert times.sent(Delta("t-1", 1, 0, 0, "x")) is None
    assert times.sent(Delta("t-other", 1, 0, 0, "x")) is None
    clock.advance(milliseconds=70)
    latency = Latency(first_delta=25.0, total=90.0, overhead=5.0)
    timed = times.sent(Completed("t-1", 1, UsageShown(1, 1, False), "0", latency, "m", "stop"))
    assert timed is not None
    assert (timed.first_delta_ms, timed.total_ms, timed.overhead_ms) == (30.0, 100.0, 10.0)
    times.accepted("t-2", "s-1", "b", NOON + timedelta(milliseconds=100))
    stopped = times.sent(Cancelled("t-2", 0))
    assert stopped is not None
    assert (stopped.first_delta_ms, stopped.overhead_ms) == (None, None)
