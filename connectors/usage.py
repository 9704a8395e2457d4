"""Tokens and money by bot, model, user or day, from the ledger itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from rich.table import Table

from sluice.events import AttemptMetered


class Dimension(StrEnum):
    """What sums are for."""

    BOT = "bot"
    MODEL = "model"
    USER = "user"
    DAY = "day"


@dataclass(slots=True)
class Used:
    """Sums of some attempts."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated_calls: int = 0
    """Calls whose tokens we counted ourselves, because their provider did not say."""
    cost_usd: Decimal = Decimal(0)
    unpriced_calls: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, row: AttemptMetered) -> None:
        """One more attempt."""
        self.calls += 1
        self.prompt_tokens += row.usage.prompt_tokens
        self.completion_tokens += row.usage.completion_tokens
        self.estimated_calls += row.usage.estimated
        self.cost_usd += row.cost_usd
        self.unpriced_calls += row.price_version == "unpriced"
        self.outcomes[row.outcome] = self.outcomes.get(row.outcome, 0) + 1

    def as_json(self) -> dict[str, Any]:
        """Money as a string with all its places."""
        return {
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "estimated_calls": self.estimated_calls,
            "unpriced_calls": self.unpriced_calls,
            "cost_usd": f"{self.cost_usd:f}",
            "outcomes": self.outcomes,
        }


def true_rows(rows: Iterable[AttemptMetered]) -> list[AttemptMetered]:
    """One row an attempt: a true count beats the estimate of who closed it as abandoned, a repeat counts once."""
    kept: dict[str, AttemptMetered] = {}
    for row in rows:
        name = row.attempt_id or f"{row.turn_id}#{row.attempt}"
        if name not in kept or kept[name].outcome == "abandoned":
            kept[name] = row
    return list(kept.values())


def used(rows: Iterable[AttemptMetered], by: Sequence[Dimension]) -> dict[tuple[str, ...], Used]:
    """Sums for each combination of the dimensions, dearest first."""
    found: dict[tuple[str, ...], Used] = {}
    for row in true_rows(rows):
        found.setdefault(tuple(_value(row, dimension) for dimension in by), Used()).add(row)
    return dict(sorted(found.items(), key=lambda item: (-item[1].cost_usd, item[0])))


def usage_table(by: Sequence[Dimension], found: Mapping[tuple[str, ...], Used]) -> Table:
    """For the eye, with the sum of all in its last row."""
    table = Table(*by, "calls", "tokens in", "tokens out", "estimated", "cost, US$")
    for column in table.columns[len(by) :]:
        column.justify = "right"
    whole = Used()
    for key, sums in found.items():
        table.add_row(*key, *_cells(sums))
        whole.calls += sums.calls
        whole.prompt_tokens += sums.prompt_tokens
        whole.completion_tokens += sums.completion_tokens
        whole.estimated_calls += sums.estimated_calls
        whole.cost_usd += sums.cost_usd
    table.add_section()
    table.add_row("all", *[""] * (len(by) - 1), *_cells(whole))
    return table


def _cells(sums: Used) -> list[str]:
    counts = (sums.calls, sums.prompt_tokens, sums.completion_tokens, sums.estimated_calls)
    return [*(f"{count:,}" for count in counts), f"{sums.cost_usd:.6f}"]


def _value(row: AttemptMetered, dimension: Dimension) -> str:
    match dimension:
        case Dimension.BOT:
            return row.bot
        case Dimension.MODEL:
            return row.model
        case Dimension.USER:
            return row.user_id
        case Dimension.DAY:
            return row.started_at.date().isoformat()
