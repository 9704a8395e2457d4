"""A turn as its client saw it, and what makes a run worthless."""

import pytest

from benchmarks.load import AskedTurn, Run, check
from benchmarks.measurement import NothingMeasured

_COMPLETED = {"type": "completed", "latency_ms": {"first_delta": 20.0, "total": 30.0, "overhead": 12.0}}


def answered(sent: float, first_delta_seconds: float) -> AskedTurn:
    turn = AskedTurn("t", sent, late=0.0)
    turn.take({"type": "accepted"}, sent + 0.004)
    turn.take({"type": "delta"}, sent + first_delta_seconds)
    turn.take({"type": "delta"}, sent + first_delta_seconds + 1)
    turn.take(_COMPLETED, sent + first_delta_seconds + 1.5)
    return turn


def test_the_models_part_is_taken_off_what_the_client_waited():
    turn = answered(100.0, 0.030)

    assert turn.accepted_ms == pytest.approx(4.0)
    assert turn.first_delta_ms == pytest.approx(30.0)
    assert turn.model_ms == pytest.approx(8.0)
    assert turn.platform_ms == pytest.approx(22.0)


def test_turns_that_all_wait_alike_are_sustained():
    run = Run(2.0, [answered(number / 2, 0.030) for number in range(100)])

    assert not run.saturated
    assert run.achieved == pytest.approx(2.0, rel=0.05)


def test_a_growing_queue_is_saturation():
    assert Run(50.0, [answered(number / 50, 0.030 + number / 50) for number in range(300)]).saturated


def test_turns_that_end_later_than_they_come_are_saturation():
    assert Run(50.0, [answered(number / 50, 1.0) for number in range(100)]).saturated


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [{"type": "accepted"}, {"type": "delta"}],
        [_COMPLETED],
        [{"type": "delta"}, {"type": "failed"}],
        [{"type": "delta"}, {"type": "completed", "latency_ms": {"first_delta": 1.0, "total": 1.0, "overhead": None}}],
    ],
    ids=["nothing", "no end", "no delta", "failed", "no overhead"],
)
def test_a_turn_without_an_answer_makes_the_run_worthless(frames):
    turn = AskedTurn("t", 0.0, 0.0)
    for frame in frames:
        turn.take(frame, 1.0)

    with pytest.raises(NothingMeasured):
        check([answered(0.0, 0.1), turn])


def test_a_run_without_turns_is_worthless():
    with pytest.raises(NothingMeasured):
        check([])
