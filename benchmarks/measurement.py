"""A number beside its floor, as a `BENCH` line and as a file in `benchmarks/results/`."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

Unit = Literal["s", "ms", "us", "kB", "MB", "turns/s", "deltas/s", "events/s", "streams", "%"]


class NothingMeasured(Exception):
    """The run did not do what it was to measure: its numbers would be wrong, so there are none."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """`floor` is what the same machine does at best, or the bar the design sets; see the result's notes."""

    name: str
    value: float
    unit: Unit
    floor: float

    def __post_init__(self) -> None:
        """Raises NothingMeasured: a zero or an infinity here comes from a run that went wrong."""
        for number in (self.value, self.floor):
            if not math.isfinite(number) or number <= 0:
                raise NothingMeasured(f"{self.name}: value {self.value}, floor {self.floor} {self.unit}")
        if any(character.isspace() for character in self.name):
            raise ValueError(f"{self.name!r}: scripts split the line at spaces")

    @property
    def ratio(self) -> float:
        """Value by floor, also where more is better: 1.0 is as good as the floor."""
        return self.value / self.floor

    @property
    def line(self) -> str:
        """What scripts read. Three significant digits or whole numbers, never an exponent."""
        return f"BENCH {self.name} {digits(self.value)} {self.unit} floor {digits(self.floor)} {digits(self.ratio)}"


@dataclass(slots=True)
class Result:
    """What one benchmark found. `notes` say how to read the numbers, `details` hold what the lines leave out."""

    benchmark: str
    measurements: list[Measurement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: float, unit: Unit, floor: float) -> None:
        """One more line."""
        self.measurements.append(Measurement(name, value, unit, floor))

    def write(self, folder: Path, at: datetime, machine: dict[str, Any]) -> Path:
        """One file a run; earlier ones stay."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.benchmark}-{at:%Y%m%dT%H%M%SZ}.json"
        document = {
            "benchmark": self.benchmark,
            "at": at.isoformat(),
            "machine": machine,
            "measurements": [asdict(one) | {"ratio": one.ratio} for one in self.measurements],
            "notes": self.notes,
            "details": self.details,
        }
        file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        return file


def percentile(values: Sequence[float], percent: float) -> float:
    """Linear between the closest ranks, as numpy's default. Raises NothingMeasured where there are no values."""
    if not values:
        raise NothingMeasured("no values to take a percentile of")
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def spread(values: Sequence[float]) -> dict[str, float]:
    """A distribution in a few numbers, for details."""
    named = {f"p{percent}": round(percentile(values, percent), 3) for percent in (5, 50, 95, 99)}
    return named | {"max": round(max(values), 3), "count": len(values)}


def digits(number: float) -> str:
    """Three significant digits; from a hundred on, whole."""
    if number >= 100:
        return f"{number:.0f}"
    places = 2 - math.floor(math.log10(number)) if number > 0 else 0
    return f"{number:.{places}f}"
