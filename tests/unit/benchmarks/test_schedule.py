"""The schedule is measured with as much work in it as is said."""

import pytest

from benchmarks import stage
from streams.schedule import Schedule


class Counting(Schedule[int, int]):
    """Notes how full it became."""

    most_running = most_known = 0

    def take(self) -> tuple[int, int] | None:
        Counting.most_known = max(Counting.most_known, len(self.known()))
        taken = super().take()
        Counting.most_running = max(Counting.most_running, self.running)
        return taken


@pytest.mark.parametrize("at_once", [1, 64])
def test_so_many_sessions_have_work(monkeypatch: pytest.MonkeyPatch, at_once: int):
    Counting.most_running = Counting.most_known = 0
    monkeypatch.setattr(stage, "Schedule", Counting)
    monkeypatch.setattr(stage, "_SCHEDULED", 500)
    assert stage._schedule_microseconds(at_once) > 0
    assert (Counting.most_running, Counting.most_known) == (at_once, at_once)
