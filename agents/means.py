"""What answering a turn needs from outside, in one place: ports, and what all turns of a worker share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from agents.account import Prices
from agents.answers import FindSpans, find_in_answers
from agents.breaker import Breakers, ModelKey, key_of
from agents.ports import LanguageModel
from sluice.bots import Route
from sluice.clock import Clock
from sluice.failpoints import FailpointName


@dataclass(slots=True)
class Slots:
    """How many calls a model gets at once. Who waits is served in the order of coming.

    Routes to one model that allow it another number of calls have slots of their own.
    """

    _known: dict[tuple[ModelKey, int], asyncio.Semaphore] = field(default_factory=dict)

    def of(self, route: Route) -> asyncio.Semaphore:
        """The slots of a route's model."""
        return self._known.setdefault((key_of(route), route.concurrency), asyncio.Semaphore(route.concurrency))


@dataclass(frozen=True, slots=True)
class Means:
    """Ports of the respond stage. `epoch` is the writer's generation: see sluice.replies."""

    model: LanguageModel
    prices: Prices
    clock: Clock
    new_id: Callable[[], str]
    epoch: Callable[[], int]
    chance: Callable[[], float]
    """0 to 1: jitter and weights."""
    reach: Callable[[FailpointName], None] = lambda _point: None
    breakers: Breakers = field(default_factory=Breakers)
    slots: Slots = field(default_factory=Slots)
    failed: Callable[[str, str], None] = lambda _model, _kind: None
    """Told of every failed call: model and kind."""
    find: FindSpans = find_in_answers
    """What is masked in answers."""
