"""What a reader gets that comes back: everything after its cursor in order, or the word that it cannot be had."""

import json

import msgspec
import pytest

from gateway import missed as module
from gateway.connection import Connection
from gateway.documents import WHOLE_SEQ
from gateway.edge import Edge
from gateway.frames import (
    Accepted,
    Cancelled,
    Completed,
    Delta,
    ErrorFrame,
    Failed,
    ResyncRequired,
    ServerFrame,
    Snapshot,
    Started,
)
from sluice import events as e
from sluice.safe_text import SafeText
from tests.doubles import NOON
from tests.samples import SAMPLES
from tests.unit.gateway.doubles import connect, say


def turn(number: int) -> str:
    return f"{number:036d}"


def of(jane: Connection, number: int, name: str, **over):
    at = NOON.replace(minute=number)
    if name == "ChatRequested":
        over |= {"occurred_at": at}
    if name == "TurnFinished":
        over |= {"accepted_at": at}
    return msgspec.structs.replace(SAMPLES[name], user_id=jane.person.user_id, turn_id=turn(number), **over)


async def resume(jane: Connection, cursor: str | None = None) -> list[ServerFrame]:
    return await say(jane, type="session.resume", session_id="s-1", cursor=cursor)


def speak(edge: Edge, jane: Connection, number: int, *pieces: str) -> None:
    edge.hub.take(of(jane, number, "AttemptStarted"))
    for seq, text in enumerate(pieces):
        edge.hub.take(of(jane, number, "DeltaProduced", seq=seq, text=SafeText(text)))


def told(frames: list[ServerFrame]) -> list[tuple[str, str]]:
    return [(type(frame).__name__, getattr(frame, "turn_id", "")[-1:]) for frame in frames]


async def test_a_turn_that_left_the_hub_comes_whole_from_the_history(edge: Edge, jane: Connection):
    edge.turns.history.record([of(jane, 1, "ChatRequested"), of(jane, 1, "TurnFinished")])
    snapshot, completed = await resume(jane, f"{turn(1)}:1:3")
    assert snapshot == Snapshot(turn(1), "s-1", 1, WHOLE_SEQ, "Hello again")
    assert isinstance(completed, Completed)


async def test_who_saw_a_later_attempt_than_is_kept_does_not_drop_it(edge: Edge, jane: Connection):
    edge.turns.history.record([of(jane, 1, "TurnFinished")])
    snapshot, completed = await resume(jane, f"{turn(1)}:4:3")
    assert isinstance(snapshot, Snapshot)
    assert isinstance(completed, Completed)
    assert (snapshot.attempt, completed.attempt) == (4, 4)


async def test_turns_that_ended_meanwhile_come_in_the_order_they_were_asked(edge: Edge, jane: Connection):
    for number in (1, 2, 3, 4, 5):
        edge.turns.history.record([of(jane, number, "ChatRequested")])
    edge.turns.history.record([of(jane, 3, "TurnFinished"), of(jane, 2, "TurnFinished", state="cancelled")])
    speak(edge, jane, 4, "four")
    edge.hub.take(of(jane, 4, "TurnCancelled"))
    speak(edge, jane, 1, "a", "b")
    edge.hub.take(of(jane, 1, "TurnFailed"))
    speak(edge, jane, 5, "running")
    frames = await resume(jane, f"{turn(1)}:1:0")
    assert told(frames) == [
        *(("Delta", "1"), ("Failed", "1")),
        *(("Snapshot", "2"), ("Cancelled", "2")),
        *(("Snapshot", "3"), ("Completed", "3")),
        *(("Started", "4"), ("Snapshot", "4"), ("Cancelled", "4")),
        *(("Started", "5"), ("Snapshot", "5")),
    ]
    assert isinstance(frames[0], Delta)
    assert frames[0].text == "b"


async def test_what_the_history_has_not_read_yet_comes_last(edge: Edge, jane: Connection):
    edge.turns.history.record([of(jane, 1, "ChatRequested")])
    speak(edge, jane, 1, "a")
    edge.hub.take(of(jane, 1, "TurnCancelled"))
    speak(edge, jane, 2, "b")
    edge.hub.take(of(jane, 2, "TurnCancelled"))
    assert told(await resume(jane, f"{turn(1)}:1:0")) == [
        *(("Cancelled", "1"), ("Started", "2"), ("Snapshot", "2"), ("Cancelled", "2")),
    ]


async def test_turns_before_the_cursor_do_not_come_again(edge: Edge, jane: Connection):
    edge.turns.history.record([of(jane, 1, "TurnFinished"), of(jane, 2, "ChatRequested")])
    speak(edge, jane, 1, "old")
    edge.hub.take(of(jane, 1, "TurnCancelled"))
    speak(edge, jane, 2, "new")
    assert told(await resume(jane, f"{turn(2)}:1:0")) == []


async def test_more_than_can_be_sent_is_a_resync_with_what_runs(
    edge: Edge, jane: Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "_MOST_TURNS", 2)
    edge.turns.history.record([of(jane, number, "TurnFinished") for number in (1, 2, 3, 4)])
    speak(edge, jane, 5, "running")
    assert told(await resume(jane, f"{turn(1)}:1:0")) == [("Started", "5"), ("Snapshot", "5"), ("ResyncRequired", "")]


async def test_what_would_not_fit_is_a_resync_and_not_the_end_of_the_reader(edge: Edge, jane: Connection):
    edge.turns.history.record([of(jane, 1, "TurnFinished", answer=SafeText("x" * 2_000_000))])
    assert await resume(jane, f"{turn(1)}:1:0") == [ResyncRequired("s-1")]
    assert not jane.outbox.overflown


async def test_a_cursor_in_somebody_elses_turn_gives_nothing_of_it(edge: Edge, jane: Connection):
    edge.turns.history.record([of(jane, 1, "ChatRequested")])
    edge.turns.history.record([msgspec.structs.replace(of(jane, 2, "TurnFinished"), user_id="usr_x", session_id="s-x")])
    assert await resume(jane, f"{turn(2)}:1:0") == [ResyncRequired("s-1")]


async def test_a_gateway_that_lags_reads_on_before_it_says_that_there_is_nothing(edge: Edge, jane: Connection):
    edge.turns.reading.behind = lambda: edge.turns.history.record([of(jane, 1, "TurnFinished")])  # type: ignore[attr-defined]
    assert told(await resume(jane, f"{turn(1)}:1:0")) == [("Snapshot", "1"), ("Completed", "1")]
    assert edge.turns.reading.asked == 1  # type: ignore[attr-defined]


async def test_a_gateway_that_lags_behind_the_end_of_the_turn_reads_on_before_it_asks_for_a_resync(
    edge: Edge, jane: Connection
):
    edge.turns.history.record([of(jane, 1, "ChatRequested")])
    edge.turns.reading.behind = lambda: edge.turns.history.record([of(jane, 1, "TurnFinished")])  # type: ignore[attr-defined]
    assert told(await resume(jane, f"{turn(1)}:1:0")) == [("Snapshot", "1"), ("Completed", "1")]


async def test_a_lag_that_lasts_is_a_retryable_refusal(edge: Edge, jane: Connection):
    edge.turns.reading.away = True  # type: ignore[attr-defined]
    (refused,) = await resume(jane)
    assert isinstance(refused, ErrorFrame)
    assert (refused.code, refused.retryable, refused.ref) == ("log_unavailable", True, "s-1")


async def test_a_second_device_hears_the_same_tail_and_the_stop(edge: Edge, jane: Connection):
    edge.turns.history.record([of(jane, 1, "ChatRequested")])
    speak(edge, jane, 1, "one ")
    phone = connect(edge)
    assert told(await resume(jane)) == told(await resume(phone)) == [("Started", "1"), ("Snapshot", "1")]
    await jane.receive(json.dumps({"type": "turn.stop", "turn_id": turn(1)}))
    edge.hub.take(of(jane, 1, "DeltaProduced", seq=1, text=SafeText("two")))
    edge.hub.take(of(jane, 1, "TurnCancelled", deltas=2))
    end = [Delta(turn(1), 1, 1, 1, "two"), Cancelled(turn(1), 1)]
    assert await jane.outbox.take() == await phone.outbox.take() == end


async def test_who_stops_and_then_resumes_gets_the_end(edge: Edge, jane: Connection):
    edge.turns.history.record([of(jane, 1, "ChatRequested")])
    speak(edge, jane, 1, "one ", "two")
    await jane.receive(json.dumps({"type": "turn.stop", "turn_id": turn(1)}))
    edge.hub.take(of(jane, 1, "TurnCancelled"))
    assert await resume(jane, f"{turn(1)}:1:0") == [Delta(turn(1), 1, 1, 1, "two"), Cancelled(turn(1), 1)]


async def test_a_stop_reads_on_before_it_says_that_there_is_no_such_turn(edge: Edge, jane: Connection):
    edge.turns.reading.behind = lambda: edge.turns.history.record([of(jane, 1, "ChatRequested")])  # type: ignore[attr-defined]
    await jane.receive(json.dumps({"type": "turn.stop", "turn_id": turn(1)}))
    ((topic, *_),) = edge.turns.log.producer.records  # type: ignore[attr-defined]
    assert topic == "chat-controls"


async def test_somebody_who_names_my_session_first_does_not_hear_it(edge: Edge, jane: Connection):
    mallory = connect(edge, "mallory")
    send = {"type": "message.send", "client_msg_id": "m", "session_id": "s-1", "text": "x"}
    await mallory.receive(json.dumps(send | {"bot": "nobody"}))
    assert isinstance((await mallory.outbox.take())[0], ErrorFrame)
    edge.hub.take(of(jane, 1, "AttemptStarted"))
    mallory.outbox.put(Cancelled("only this", 0))
    assert await mallory.outbox.take() == [Cancelled("only this", 0)]


async def test_a_failed_turn_shows_what_was_said_before(edge: Edge, jane: Connection):
    edge.turns.history.record([of(jane, 1, "TurnFinished", state="failed", error_code="model_timeout")])
    snapshot, failed = await resume(jane, f"{turn(1)}:1:0")
    assert isinstance(snapshot, Snapshot)
    assert isinstance(failed, Failed)
    edge.turns.history.record([of(jane, 2, "TurnFinished", state="failed", error_code="internal", answer=SafeText(""))])
    assert [type(f) for f in (await resume(jane, f"{turn(2)}:1:0"))] == [Failed]


async def test_a_turn_that_waits_for_its_beginning_is_nothing_yet(edge: Edge, jane: Connection):
    edge.turns.history.record([of(jane, 1, "ChatRequested")])
    edge.hub.take(of(jane, 1, "DeltaProduced", seq=7))
    assert await resume(jane) == []
    assert Started not in {type(frame) for frame in await resume(jane, f"{turn(1)}:1:0")}


def test_a_reply_without_an_end_leaves_after_the_longest_turn(edge: Edge, jane: Connection):
    speak(edge, jane, 1, "never ends")
    edge.turns.clock.advance(minutes=13)  # type: ignore[attr-defined]
    assert edge.hub.replies_of(jane.person.user_id, "s-1") == []
    assert (edge.hub.replies, edge.hub._begun, dict(edge.hub._by_session)) == ({}, type(edge.hub._begun)(), {})


def test_a_running_turn_stays_while_it_can_run(edge: Edge, jane: Connection):
    speak(edge, jane, 1, "long")
    edge.turns.clock.advance(minutes=9)  # type: ignore[attr-defined]
    assert [reply.text for reply in edge.hub.replies_of(jane.person.user_id, "s-1")] == ["long"]
    assert isinstance(SAMPLES["AttemptStarted"], e.AttemptStarted)


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_message_lets_nobody_hear_the_rest_of_a_turn_without_its_beginning(
    edge: Edge, jane: Connection, *, accepted: bool
):
    edge.turns.history.record([of(jane, 1, "ChatRequested")])
    speak(edge, jane, 1, "said ", "before")
    edge.turns.closing = not accepted
    answer, *so_far = await say(
        jane, type="message.send", session_id="s-1", text="hi", bot="assistant", client_msg_id="m-9"
    )
    if not accepted:
        answer, so_far = so_far[-1], [answer, *so_far[:-1]]
    assert isinstance(answer, Accepted if accepted else ErrorFrame)
    assert told(so_far) == [("Started", "1"), ("Snapshot", "1")]
    edge.hub.take(of(jane, 1, "TurnCompleted"))
    assert told(await jane.outbox.take()) == [("Completed", "1")]
