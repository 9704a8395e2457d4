"""What is counted in topics, landing zone and facts, and how far they are apart."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import reduce
from typing import Any, Literal

from connectors.billing import Billing

Layer = Literal["topics", "landing", "facts", "quarantine"]
LAYERS: tuple[Layer, ...] = ("topics", "landing", "facts", "quarantine")
"""What is in quarantine is what the facts lack for a reason: both together are what the topics hold."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Distinct events, and what they add up to."""

    events: int = 0
    turns: int = 0
    attempts: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return self._each(other, lambda own, others: own + others)

    def minus(self, other: "Tally") -> "Tally":
        """What is left without the other."""
        return self._each(other, lambda own, others: own - others)

    def farther(self, other: "Tally") -> "Tally":
        """The larger of each measure."""
        return self._each(other, max)

    def distance(self, other: "Tally") -> "Tally":
        """How far each measure is apart."""
        return self._each(other, lambda own, others: abs(own - others))

    def as_json(self) -> dict[str, Any]:
        """Money as a string, so that no place is lost."""
        return {
            "events": self.events,
            "turns": self.turns,
            "attempts": self.attempts,
            "tokens": self.tokens,
            "cost_usd": f"{self.cost_usd:.10f}",
        }

    def _each(self, other: "Tally", combine: Any) -> "Tally":
        return Tally(
            combine(self.events, other.events),
            combine(self.turns, other.turns),
            combine(self.attempts, other.attempts),
            combine(self.tokens, other.tokens),
            combine(self.cost_usd, other.cost_usd),
        )


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC date, by when the events happened."""

    date: str
    layers: Mapping[Layer, Tally]

    @property
    def drift(self) -> Tally:
        """How far landing zone, or facts and quarantine together, are from the topics, whichever is farther."""
        topics, landing, facts, quarantine = (self.layers.get(layer, Tally()) for layer in LAYERS)
        return topics.distance(landing).farther(topics.distance(facts.plus(quarantine)))


@dataclass(frozen=True, slots=True)
class Difference:
    """One event that a layer has not, has too many, or tells otherwise, with its place in the log."""

    layer: Layer
    event_id: str
    event_type: str
    turn_id: str
    topic: str
    partition: int
    offset: int
    what: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """One event that no fact counts, with its place in the log and the reason that marts.quarantine gives."""

    event_id: str
    event_type: str
    turn_id: str
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All days. What is too much on one day never hides what is missing on another."""

    days: tuple[Day, ...]
    differences: tuple[Difference, ...] = ()
    quarantined: tuple[SetAside, ...] = ()
    """No drift: there is a reason."""
    billing: Billing | None = None
    """Beside the provider's meter; None where there is none."""

    @property
    def agrees(self) -> bool:
        """Nothing differs, anywhere."""
        return self.drift == Tally() and not self.differences and not (self.billing and self.billing.differences)

    @property
    def drift(self) -> Tally:
        """Summed over the days."""
        return reduce(Tally.plus, (day.drift for day in self.days), Tally())

    def as_json(self) -> dict[str, Any]:
        """As interfaces say: `days` and `drift`."""
        days = [
            {"date": day.date}
            | {layer: day.layers.get(layer, Tally()).as_json() for layer in LAYERS}
            | {"drift": day.drift.as_json()}
            for day in self.days
        ]
        differences = [asdict(one) for one in self.differences]
        return {
            "days": days,
            "drift": self.drift.as_json(),
            "differences": differences,
            "quarantined": [asdict(one) for one in self.quarantined],
            "provider": self.billing and self.billing.as_json(),
        }


def reconciliation_of(
    rows: Iterable[tuple[Layer, str, Tally]],
    differences: Iterable[Difference] = (),
    quarantined: Iterable[SetAside] = (),
    billing: Billing | None = None,
) -> Reconciliation:
    """From one tally for each layer and date."""
    found: dict[str, dict[Layer, Tally]] = {}
    for layer, date, tally in rows:
        found.setdefault(date, {})[layer] = tally
    days = tuple(Day(date, found[date]) for date in sorted(found))
    return Reconciliation(days, tuple(differences), tuple(quarantined), billing)
