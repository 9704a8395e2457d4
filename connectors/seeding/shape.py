"""When people talk: more by day than by night, less at weekends, a little more every week."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate

_HOURS = (3, 2, 1, 1, 1, 2, 5, 12, 26, 38, 42, 40, 34, 38, 42, 41, 37, 31, 27, 28, 26, 20, 12, 6)
"""Weights of the hours of a day, UTC."""
_WEEKDAYS = (1.04, 1.08, 1.06, 1.03, 0.97, 0.58, 0.54)
_GROWTH_A_WEEK = 1.015
_SECONDS_AN_HOUR = 3600
EARLIEST = date(2020, 1, 1)
"""`earliest` of dbt/dbt_project.yml: what happened before goes to quarantine."""


@dataclass(frozen=True, slots=True)
class Plan:
    """So many turns on so many days, of which `until` is the last. The same seed gives the same history."""

    turns: int
    days: int
    until: date
    seed: int = 1

    @property
    def first(self) -> date:
        """The first day."""
        return self.until - timedelta(days=self.days - 1)

    def turns_by_day(self) -> dict[date, int]:
        """Adds up to `turns`."""
        days = [self.first + timedelta(days=number) for number in range(self.days)]
        weights = [_WEEKDAYS[day.weekday()] * _GROWTH_A_WEEK ** (number / 7) for number, day in enumerate(days)]
        total = sum(weights)
        reached = [math.floor(self.turns * part / total + 1e-9) for part in accumulate(weights)]
        return {day: here - before for day, before, here in zip(days, [0, *reached], reached, strict=False)}

    def chance(self, day: date) -> random.Random:
        """Of one day, so that days can be made in any order."""
        return random.Random(f"{self.seed} {day.isoformat()}")  # noqa: S311 (nothing depends on it but a demonstration)


def moments(count: int, day: date, chance: random.Random) -> Iterator[datetime]:
    """Beginnings of so many turns, in order."""
    hours = chance.choices(range(len(_HOURS)), _HOURS, k=count)
    midnight = datetime.combine(day, time(), UTC)
    seconds = sorted(hour * _SECONDS_AN_HOUR + chance.random() * _SECONDS_AN_HOUR for hour in hours)
    return (midnight + timedelta(microseconds=int(second * 1_000_000)) for second in seconds)
