"""The way of a reply from the log to a reader: hub, outbox, rendering. Laws, not examples, where there is one."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.frames import Cancelled, Completed, Delta, Failed, ServerFrame, Snapshot, Started
from gateway.hub import Hub
from gateway.outbox import Outbox, joined
from gateway.rendering import catch_up, frame_of, money, overhead_ms, read_cursor
from sluice import events as e
from sluice.replies import Reply
from sluice.safe_text import SafeText
from tests.doubles import ManualClock
from tests.samples import SAMPLES, TURN, TURN_ID

USER = str(TURN["user_id"])
STARTED = e.AttemptStarted(**TURN, attempt=1, model="m")


def delta(seq: int, text: str = "x", **over: str) -> e.DeltaProduced:
    return e.DeltaProduced(**(TURN | over), attempt=1, seq=seq, text=SafeText(text))


def frame(seq: int, text: str = "x", turn: str = TURN_ID, attempt: int = 1) -> Delta:
    return Delta(turn, attempt, seq, seq, text)


@given(st.lists(st.tuples(st.sampled_from(["t-1", "t-2"]), st.booleans()), max_size=30))
def test_joining_keeps_the_text_and_the_order_of_every_turn(steps: list[tuple[str, bool]]):
    frames: list[ServerFrame] = []
    seqs = {"t-1": 0, "t-2": 0}
    for turn, speaks in steps:
        if speaks:
            frames.append(frame(seqs[turn], f"{turn}.{seqs[turn]} ", turn))
            seqs[turn] += 1
        else:
            frames.append(Cancelled(turn, 1))
    out = joined(frames)
    for turn in ("t-1", "t-2"):
        pieces = [f for f in out if isinstance(f, Delta) and f.turn_id == turn]
        assert "".join(p.text for p in pieces) == "".join(f"{turn}.{n} " for n in range(seqs[turn]))
        assert [n for p in pieces for n in range(p.first_seq, p.seq + 1)] == list(range(seqs[turn]))
    assert [f for f in out if isinstance(f, Cancelled)] == [f for f in frames if isinstance(f, Cancelled)]
    assert len(out) <= len(frames)


async def test_an_outbox_hands_over_what_waits_at_once():
    outbox = Outbox(10_000)
    waiting = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    outbox.put(frame(0, "a"))
    outbox.put(frame(1, "b"))
    assert await waiting == [Delta(TURN_ID, 1, 1, 0, "ab")]


@given(st.integers(0, 12), st.integers(-1, 12), st.booleans())
def test_seen_and_caught_up_make_the_whole(said: int, seen: int, over: bool):
    """For every place of the cursor: the text before it and what is sent after it are the answer, once."""
    seen = min(seen, said - 1)
    reply = Reply(turn_id=TURN_ID, session_id="s-1", user_id="u")
    reply.apply(STARTED)
    for seq in range(said):
        reply.apply(delta(seq, f"{seq} "))
    if over:
        reply.apply(e.TurnCancelled(**TURN, attempt=1, deltas=said))
    text = "".join(f"{seq} " for seq in range(seen + 1))
    for sent in catch_up(reply, (TURN_ID, 1, seen)):
        if isinstance(sent, Delta):
            assert sent.first_seq == seen + 1
            text += sent.text
        else:
            assert isinstance(sent, Cancelled)
    assert text == reply.text
    snapshot = [sent for sent in catch_up(reply, None) if isinstance(sent, Snapshot)]
    assert [(s.text, s.seq) for s in snapshot] == [(reply.text, said - 1)]


def test_a_cursor_of_a_retired_attempt_gets_the_new_one_whole():
    reply = Reply(turn_id=TURN_ID, session_id="s-1", user_id="u")
    for event in (STARTED, delta(0), e.AttemptStarted(**TURN, attempt=2, model="n")):
        reply.apply(event)
    kinds = [type(sent) for sent in catch_up(reply, (TURN_ID, 1, 0))]
    assert kinds == [Started, Snapshot]


def test_nothing_said_nothing_to_catch_up():
    assert catch_up(Reply(turn_id=TURN_ID, session_id="s-1", user_id="u"), None) == []


@pytest.mark.parametrize(
    "name", ["AttemptStarted", "DeltaProduced", "AttemptReset", "TurnCompleted", "TurnFailed", "TurnCancelled"]
)
def test_every_reply_event_has_its_frame(name: str):
    event = SAMPLES[name]
    shown = frame_of(event, 1)
    assert getattr(shown, "turn_id", None) == TURN_ID
    if isinstance(shown, Completed):
        assert (shown.cost_usd, shown.latency_ms.overhead) == ("0.0000036", 2.25)
    if isinstance(shown, Failed):
        assert shown.code == "model_timeout"


def test_money_and_overhead():
    assert [money(Decimal(text)) for text in ("0E-10", "1.50", "100", "0.0000036000")] == [
        "0",
        "1.5",
        "100",
        "0.0000036",
    ]
    assert overhead_ms(None, 1.0) is None
    assert overhead_ms(1.0, None) is None
    assert overhead_ms(1.0, 2.0) == 0.0


def test_cursors():
    assert read_cursor(None) is None
    assert read_cursor(f"{TURN_ID}:2:-1") == (TURN_ID, 2, -1)


def test_sessions_do_not_hear_each_other():
    hub = Hub(ManualClock())
    one: list[ServerFrame] = []
    other: list[ServerFrame] = []
    hub.listen(USER, "s-1", one.append)
    hub.listen(USER, "s-2", other.append)
    hub.take(STARTED)
    hub.take(delta(0))
    hub.take(delta(0))
    assert ([type(f) for f in one], other) == ([Started, Delta], [])
    hub.leave(USER, "s-1", one.append)
    hub.leave(USER, "s-1", one.append)
    hub.take(delta(1))
    assert len(one) == 2
    assert [reply.text for reply in hub.replies_of(USER, "s-1")] == ["xx"]


def test_finished_turns_are_forgotten_in_time():
    clock = ManualClock()
    hub = Hub(clock)
    hub.take(STARTED)
    hub.take(e.TurnCancelled(**TURN, attempt=1, deltas=0))
    assert TURN_ID in hub.replies
    clock.now += timedelta(minutes=5)
    late = TURN | {"turn_id": "t-2", "session_id": "s-2"}
    hub.take(e.TurnCancelled(**late, attempt=1, deltas=0))
    assert set(hub.replies) == {"t-2"}
    assert hub.replies_of(USER, "s-1") == []
