"""What `sluice chat` prints when a turn has several attempts."""

import pytest

from sluice.chat_client import _BEGINS_AGAIN, TurnResult, _print_on


def started(attempt: int) -> dict[str, object]:
    return {"type": "started", "attempt": attempt, "model": "m"}


def delta(text: str) -> dict[str, object]:
    return {"type": "delta", "text": text}


@pytest.mark.parametrize(
    ("frames", "printed"),
    [
        ([started(1), delta("Half"), started(2), delta("Half"), delta(" and whole")], "Half and whole"),
        ([started(1), delta("Half"), started(2), delta("Ha"), delta("!")], f"Half{_BEGINS_AGAIN}Ha!"),
        ([started(1), delta("Half"), {"type": "reset", "attempt": 1}, started(2)], "Half"),
    ],
)
def test_a_continuation_is_not_printed_twice_and_a_new_beginning_is_marked(frames, printed):
    result, so_far, shown = TurnResult("s-1"), "", []
    for frame in frames:
        result.apply(frame)
        so_far = _print_on(so_far, result.text, shown.append)
    assert "".join(shown) == printed
