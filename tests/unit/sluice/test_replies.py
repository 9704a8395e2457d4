from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sluice import events as e
from sluice.replies import Reply, reply_of
from sluice.safe_text import SafeText
from tests.samples import COST, TIMES, TURN, USAGE


def started(attempt: int) -> e.AttemptStarted:
    return e.AttemptStarted(**TURN, attempt=attempt, model="m")


def delta(attempt: int, seq: int) -> e.DeltaProduced:
    return e.DeltaProduced(**TURN, attempt=attempt, seq=seq, text=SafeText(f"{attempt}.{seq} "))


def completed(attempt: int) -> e.TurnCompleted:
    rest = {"model": "m", "finish_reason": "stop", "usage": USAGE, "cost_usd": COST}
    return e.TurnCompleted(**TURN, **TIMES, attempt=attempt, deltas=2, **rest)


def reduced(*events: e.ReplyEvent) -> tuple[Reply, list[bool]]:
    reply = reply_of(events[0])
    return reply, [reply.apply(event) for event in events]


def test_a_plain_answer():
    reply, visible = reduced(started(1), delta(1, 0), delta(1, 1), completed(1))
    assert (reply.text, reply.last_seq, all(visible)) == ("1.0 1.1 ", 1, True)
    assert reply.terminal is not None


def test_repeated_and_late_deltas_count_once():
    reply, visible = reduced(started(1), delta(1, 0), delta(1, 0), delta(1, 2), delta(0, 0), started(1))
    assert visible == [True, True, False, False, False, False]
    assert reply.text == "1.0 "


def test_a_later_attempt_retires_the_earlier_one():
    reply, visible = reduced(started(1), delta(1, 0), started(2), delta(1, 1), delta(2, 0), completed(1), completed(2))
    assert visible == [True, True, True, False, True, False, True]
    assert reply.text == "2.0 "


def test_a_reset_voids_what_was_said():
    reset = e.AttemptReset(**TURN, attempt=1, reason="model_stream_broken")
    reply, visible = reduced(started(1), delta(1, 0), reset, delta(1, 0), started(2), reset)
    assert (reply.text, reply.attempt, visible[2:]) == ("", 2, [True, True, True, False])


def test_after_the_terminal_nothing_counts():
    failed = e.TurnFailed(**TURN, attempt=0, code="bot_unknown", message="m", retryable=False)
    reply, visible = reduced(failed, started(1), delta(1, 0), completed(1))
    assert visible == [True, False, False, False]
    assert reply.terminal is failed


def of(worker: str, attempt: int, epoch: int) -> list[e.ReplyEvent]:
    """All that one worker writes of one attempt."""
    name = {"attempt_id": f"{worker}-{attempt}-{epoch}"}
    return [
        replace(started(attempt), epoch=epoch, **name),
        *(replace(delta(attempt, seq), text=SafeText(f"{worker}{epoch}.{seq} "), **name) for seq in range(2)),
        replace(completed(attempt), epoch=epoch, **name),
    ]


def test_two_workers_with_the_same_number_are_told_apart():
    zombie, owner = of("z", 1, epoch=1), of("o", 1, epoch=2)
    reply, visible = reduced(zombie[0], zombie[1], owner[0], zombie[2], owner[1], zombie[3], owner[2], owner[3])
    assert visible == [True, True, True, False, True, False, True, True]
    assert (reply.text, reply.attempt, reply.attempt_id) == ("o2.0 o2.1 ", 2, "o-1-2")
    assert set(reply.attempts) == {"z-1-1", "o-1-2"}


def test_a_zombie_cannot_retire_its_successor():
    zombie, owner = of("z", 1, epoch=1), of("o", 1, epoch=2)
    reply, visible = reduced(owner[0], zombie[0], zombie[1], owner[1], zombie[3], owner[2], owner[3])
    assert visible == [True, False, False, True, False, True, True]
    assert (reply.text, reply.attempt) == ("o2.0 o2.1 ", 1)


def test_who_ends_a_turn_without_an_attempt_must_be_no_zombie():
    failed = e.TurnFailed(
        **TURN, attempt=0, code="deadline_exceeded", message="m", retryable=True, attempt_id="x", epoch=1
    )
    reply, visible = reduced(of("o", 1, epoch=2)[0], failed, replace(failed, epoch=3))
    assert visible == [True, False, True]
    assert reply.terminal is not None


@st.composite
def interleavings(draw: st.DrawFn) -> list[e.ReplyEvent]:
    """Several writers, each in its own order, some cut off, mixed in any way."""
    lanes = [
        of(worker, draw(st.integers(1, 3)), epoch)[: draw(st.integers(1, 4))]
        for epoch, worker in enumerate(draw(st.permutations("abcd")), start=1)
    ]
    order = draw(st.permutations([number for number, lane in enumerate(lanes) for _ in lane]))
    left = [iter(lane) for lane in lanes]
    return [next(left[number]) for number in order]


@given(interleavings(), st.data())
def test_every_reader_of_a_log_sees_the_same_whatever_it_met_twice(log: list[e.ReplyEvent], data: st.DataObject):
    """Readers differ in how often they are handed a beginning of the log again: after a restart, a rewind, a resume."""
    first, visible = reduced(*log)
    again = data.draw(st.integers(0, len(log)))
    second, _ = reduced(*log[:again], *log)
    assert (second.text, second.attempt, second.terminal) == (first.text, first.attempt, first.terminal)
    numbers = [first.attempt for first, _ in (reduced(*log[: n + 1]) for n in range(len(log)))]
    assert numbers == sorted(numbers)
    ends = [n for n, event in enumerate(log) if visible[n] and isinstance(event, e.TurnCompleted)]
    assert len(ends) <= 1
    assert not ends or not any(visible[ends[0] + 1 :])


@given(interleavings())
def test_the_newest_generation_that_started_in_time_decides(log: list[e.ReplyEvent]):
    reply, visible = reduced(*log)
    counted = [event.epoch for event, seen in zip(log, visible, strict=True) if seen and hasattr(event, "epoch")]
    assert counted == sorted(counted)
    assert reply.text == "" or reply.attempt_id[0] == reply.text[0]


EVENTS = [started(1), delta(1, 0), delta(1, 1), started(2), delta(2, 0), completed(1), completed(2)]


@given(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=30))
def test_the_text_is_always_a_gapless_beginning_of_one_attempt(events: list[e.ReplyEvent]):
    reply, visible = reduced(*events)
    assert reply.text == "".join(f"{reply.attempt_id[1:]}.{seq} " for seq in range(reply.last_seq + 1))
    assert reply.characters == len(reply.text)
    terminals = [
        event for event, seen in zip(events, visible, strict=True) if seen and isinstance(event, e.TurnCompleted)
    ]
    assert len(terminals) <= 1
