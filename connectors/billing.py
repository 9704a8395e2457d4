"""The usage ledger beside a provider's own meter: every call has its row, and both say the same tokens.

The meter is the development provider's (`GET /meter`); a provider of your own that can list its calls may stand in for
it by the same document.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from sluice.errors import Unavailable
from sluice.events import AttemptMetered

_TIMEOUT_SECONDS = 10.0
_SETTLED = timedelta(minutes=3)
"""After so long a call has ended, and whoever had to has written its row: the longest turn is two minutes."""


@dataclass(frozen=True, slots=True)
class Call:
    """What the provider says of one call. `request_id` is our own name for it: the attempt's id."""

    call_id: str
    request_id: str
    model: str
    began_at: datetime
    tokens: int
    running: bool


@dataclass(frozen=True, slots=True)
class Meter:
    """All calls since the provider started to count, as they were at `read_at`."""

    since: datetime
    read_at: datetime
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class BilledDay:
    """Rows that have a call, by the day of the row, in UTC."""

    date: str
    calls: int
    ledger_tokens: int
    meter_tokens: int


@dataclass(frozen=True, slots=True)
class Unbilled:
    """One call or row that does not fit."""

    attempt_id: str
    call_id: str
    event_id: str
    what: str


@dataclass(frozen=True, slots=True)
class Billing:
    """What was compared. `estimated` rows say themselves that their tokens are a guess: they are counted, not blamed.
    So are `pending` calls, whose row may still be on its way.
    """

    since: datetime
    days: tuple[BilledDay, ...]
    estimated: int
    pending: int
    differences: tuple[Unbilled, ...]

    def as_json(self) -> dict[str, Any]:
        """For `sluice reconcile --json`."""
        return {
            "since": self.since.isoformat(),
            "days": [asdict(day) for day in self.days],
            "estimated": self.estimated,
            "pending": self.pending,
            "differences": [asdict(one) for one in self.differences],
        }


def read_meter(url: str, now: datetime) -> Meter:
    """From `url`. Raises Unavailable where there is none."""
    try:
        report = httpx.get(url, timeout=_TIMEOUT_SECONDS).raise_for_status().json()
        return Meter(
            datetime.fromisoformat(report["since"]),
            now,
            tuple(
                Call(
                    call["call_id"],
                    call["request_id"],
                    call["model"],
                    datetime.fromisoformat(call["began_at"]),
                    call["prompt_tokens"] + call["completion_tokens"],
                    call["state"] == "running",
                )
                for call in report["calls"]
            ),
        )
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"There is no meter at {url} ({type(error).__name__}).") from None


def compare(rows: Iterable[AttemptMetered], meter: Meter) -> Billing:
    """Of an attempt with several rows the one that is not `abandoned` counts: a true count beats the next owner's."""
    valid = _valid(rows)
    by_call = {row.provider_call_id: name for name, row in valid.items() if row.provider_call_id}
    met: dict[str, Call] = {}
    differences: list[Unbilled] = []
    pending = 0
    for call in meter.calls:
        name = call.request_id if call.request_id in valid else by_call.get(call.call_id)
        if name is None:
            if call.running or call.began_at > meter.read_at - _SETTLED:
                pending += 1
            else:
                differences.append(Unbilled(call.request_id, call.call_id, "", f"a call of {call.model} without a row"))
        elif name in met:
            differences.append(Unbilled(name, call.call_id, valid[name].event_id, "a second call of one attempt"))
        else:
            met[name] = call
    days: dict[str, list[int]] = {}
    estimated = 0
    for name, row in valid.items():
        billed, found = _tokens(row), met.get(name)
        estimated += row.usage.estimated
        if found is None:
            if _should_have_called(row, meter):
                differences.append(Unbilled(name, "", row.event_id, f"{billed} tokens without a call"))
            continue
        day = days.setdefault(row.occurred_at.date().isoformat(), [0, 0, 0])
        for place, amount in enumerate((1, billed, billed if row.usage.estimated else found.tokens)):
            day[place] += amount
        if not row.usage.estimated and billed != found.tokens:
            what = f"{billed} tokens in the ledger, {found.tokens} at the provider"
            differences.append(Unbilled(name, found.call_id, row.event_id, what))
    return Billing(
        meter.since, tuple(BilledDay(day, *days[day]) for day in sorted(days)), estimated, pending, tuple(differences)
    )


def _valid(rows: Iterable[AttemptMetered]) -> Mapping[str, AttemptMetered]:
    found: dict[str, AttemptMetered] = {}
    for row in rows:
        name = row.attempt_id or f"{row.turn_id}#{row.attempt}"
        if name not in found or found[name].outcome == "abandoned":
            found[name] = row
    return found


def _tokens(row: AttemptMetered) -> int:
    return row.usage.prompt_tokens + row.usage.completion_tokens


def _should_have_called(row: AttemptMetered, meter: Meter) -> bool:
    """A row of this provider's, since it counts, that claims tokens for sure."""
    models = {call.model for call in meter.calls}
    ours = row.model.rpartition("/")[2] in models and row.started_at >= meter.since
    return ours and _tokens(row) > 0 and (not row.usage.estimated or row.outcome == "completed")
