"""Which model of a route is asked next in one turn. First each that was not asked yet, then those that may be again."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from agents.breaker import Breakers, ModelKey, key_of
from agents.failures import REACTIONS, FailureKind
from sluice.bots import Route

_SHORTEST = 2
"""How often the context is halved for a model that finds it too long."""
_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.25, 4.0


def in_order(routes: tuple[Route, ...], chance: Callable[[], float]) -> tuple[Route, ...]:
    """As the bot prefers them. Neighbours with a weight are drawn anew for each turn, in proportion."""
    ordered: list[Route] = []
    group: list[Route] = []
    for route in (*routes, None):
        if route is not None and route.weight is not None:
            group.append(route)
            continue
        while group:
            ordered.append(group.pop(_drawn([route.weight or 0 for route in group], chance())))
        if route is not None:
            ordered.append(route)
    return tuple(ordered)


def _drawn(weights: list[int], chance: float) -> int:
    point = chance * sum(weights)
    for place, weight in enumerate(weights[:-1]):
        point -= weight
        if point < 0:
            return place
    return len(weights) - 1


@dataclass(slots=True)
class Candidate:
    """One model of the route in this turn."""

    place: int
    route: Route
    asked: int = 0
    spent: bool = False
    prefill: bool = True
    shorter: int = 0
    not_before: float = -math.inf

    @property
    def key(self) -> ModelKey:
        """Whose breaker it is."""
        return key_of(self.route)


class Choice:
    """The models of one turn. `chance` gives 0 to 1, for the backoff with full jitter."""

    def __init__(
        self, order: tuple[Route, ...], breakers: Breakers, per_model: int, chance: Callable[[], float]
    ) -> None:
        self._candidates = [Candidate(place, route) for place, route in enumerate(order)]
        self._breakers, self._per_model, self._chance = breakers, per_model, chance

    def __getitem__(self, place: int) -> Candidate:
        """By its place in the order."""
        return self._candidates[place]

    def fresh(self, now: float) -> Candidate | None:
        """The first that was not asked yet and may be asked now."""
        for candidate in self._candidates:
            untried = not candidate.asked and not candidate.spent
            if untried and self._breakers.of(candidate.key).free_at(now) <= now:
                return candidate
        return None

    def next(self, now: float) -> tuple[Candidate, float] | None:
        """Whom to ask and when; None where nobody is left. One whose breaker is open is not waited for."""
        fresh = self.fresh(now)
        if fresh is not None:
            return fresh, now
        waiting = [
            (max(now, candidate.not_before, self._breakers.of(candidate.key).free_at(now)), candidate.asked, place)
            for place, candidate in enumerate(self._candidates)
            if not candidate.spent and self._breakers.of(candidate.key).state == "closed"
        ]
        if not waiting:
            return None
        at, _, place = min(waiting)
        return self._candidates[place], at

    def note(self, candidate: Candidate, kind: FailureKind, now: float, *, prefilled: bool) -> bool:
        """What a failure says of the model. True where it is asked again at once, in another way."""
        match REACTIONS[kind].again:
            case "shorter" if candidate.shorter < _SHORTEST:
                candidate.shorter += 1
                return True
            case "without_prefill" if prefilled:
                candidate.prefill = False
                return True
            case "later" if candidate.asked <= self._per_model:
                longest = min(_LONGEST_BACKOFF_SECONDS, _BACKOFF_SECONDS * 2 ** (candidate.asked - 1))
                candidate.not_before = now + longest * self._chance()
            case _:
                candidate.spent = True
        return False

    def reason(self) -> FailureKind:
        """Why the first model is not asked, where none was."""
        return self._breakers.of(self._candidates[0].key).reason
