"""Deltas are counted as events, a turn's time is told by segment, a start by step."""

from datetime import timedelta

import msgspec
import pytest

from benchmarks.deltas import Arrivals
from benchmarks.measurement import NothingMeasured
from benchmarks.segments import segments
from benchmarks.startup import steps
from sluice.events import Hop
from tests.doubles import NOON
from tests.samples import SAMPLES


def delta(first_seq: int, seq: int, turn_id: str = "t") -> dict[str, object]:
    return {"type": "delta", "turn_id": turn_id, "attempt": 1, "first_seq": first_seq, "seq": seq, "text": ""}


def test_gathered_deltas_count_as_many():
    arrivals = Arrivals()
    arrivals.take(delta(0, 0), 1.0)
    arrivals.take(delta(0, 1, "other"), 2.0)
    arrivals.take(delta(1, 9), 3.0)

    assert (arrivals.deltas, arrivals.frames, arrivals.last) == (12, 3, 3.0)


@pytest.mark.parametrize("second", [delta(0, 0), delta(2, 3)], ids=["twice", "gap"])
def test_a_delta_that_is_missing_or_doubled_fails(second):
    arrivals = Arrivals()
    arrivals.take(delta(0, 0), 1.0)

    with pytest.raises(NothingMeasured):
        arrivals.take(second, 2.0)


def test_a_turns_way_by_segment():
    def hop(stage: str, entered: float, left: float) -> Hop:
        return Hop(
            stage=stage,
            entered_at=NOON + timedelta(milliseconds=entered),
            left_at=NOON + timedelta(milliseconds=left),
        )

    hops = (hop("accept", 0, 1), hop("enrich", 4, 5), hop("redact", 9, 11), hop("respond", 14, 60))
    turn = msgspec.structs.replace(
        SAMPLES["TurnFinished"], hops=hops, first_delta_ms=25.0, first_token_ms=8.0, total_ms=60.0
    )

    assert segments(turn) == {
        "accept": 1.0,
        "accept>enrich": 3.0,
        "enrich": 1.0,
        "enrich>redact": 4.0,
        "redact": 2.0,
        "redact>respond": 3.0,
        "prompting": 3.0,
        "model": 8.0,
        "answering": 35.0,
    }


def test_the_steps_of_a_start():
    assert steps("  ✓ chat page 0.1 s\n  ✓ broker at 127.0.0.1:9092 2.4 s\n\nSluice is up.\n") == {
        "chat page": 0.1,
        "broker at 127.0.0.1:9092": 2.4,
    }
