"""The wait goes on while the sink moves, and ends when it does not."""

from dataclasses import dataclass, field
from typing import cast

import pytest

from connectors.batching import Place
from connectors.catching_up import Patience, behind, wait_for_sink
from connectors.log_scan import Span
from sluice.errors import Unavailable
from sluice.kafka_admin import KafkaAdmin

PLACE = Place("llm-usage", 0)
WINDOW = {PLACE: Span(10, 30), Place("llm-usage", 1): Span(4, 4)}


@dataclass
class Progress:
    """An admin that sees the sink's commits, one at each look; the last one stays."""

    commits: list[int]
    now: float = 0.0
    said: list[int] = field(default_factory=list)

    def committed(self, _group: str) -> dict[tuple[str, int], int]:
        return {PLACE: self.commits.pop(0) if len(self.commits) > 1 else self.commits[0]}

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, seconds: float) -> None:
        patience = Patience(seconds, lambda: self.now, self.sleep)
        wait_for_sink(cast(KafkaAdmin, self), "landing", WINDOW, patience, self.said.append)


def test_what_retention_took_is_not_waited_for() -> None:
    assert behind(WINDOW, {}) == 20
    assert behind(WINDOW, {PLACE: 25}) == 5
    assert behind(WINDOW, {PLACE: 35}) == 0


def test_a_slow_sink_is_waited_for() -> None:
    progress = Progress([*range(10, 31)])
    progress.wait(0.5)
    assert progress.said[0] == 20


def test_a_sink_that_stands_still_is_not() -> None:
    progress = Progress([29])
    with pytest.raises(Unavailable, match="1 records behind"):
        progress.wait(2)
    assert 2 < progress.now < 3
