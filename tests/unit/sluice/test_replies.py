from hypothesis import given
from hypothesis import strategies as st

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
    reset = e.AttemptReset(**TURN, attempt=2, reason="model_stream_broken")
    reply, _ = reduced(started(1), delta(1, 0), reset)
    assert (reply.text, reply.attempt, reply.started) == ("", 2, None)


def test_after_the_terminal_nothing_counts():
    failed = e.TurnFailed(**TURN, attempt=0, code="bot_unknown", message="m", retryable=False)
    reply, visible = reduced(failed, started(1), delta(1, 0), completed(1))
    assert visible == [True, False, False, False]
    assert reply.terminal is failed


EVENTS = [started(1), delta(1, 0), delta(1, 1), started(2), delta(2, 0), completed(1), completed(2)]


@given(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=30))
def test_the_text_is_always_a_gapless_beginning_of_one_attempt(events: list[e.ReplyEvent]):
    reply, visible = reduced(*events)
    assert reply.text == "".join(f"{reply.attempt}.{seq} " for seq in range(reply.last_seq + 1))
    assert reply.characters == len(reply.text)
    terminals = [
        event for event, seen in zip(events, visible, strict=True) if seen and isinstance(event, e.TurnCompleted)
    ]
    assert len(terminals) <= 1
