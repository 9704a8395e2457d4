"""A turn's way for the eye: a waterfall of stages and attempts, then where its records lie."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from connectors.turn_way import TurnWay
from sluice.clock import milliseconds_between

_WIDTH = 40
_COLOURS = {"passed": "cyan", "completed": "green", "failed": "red", "cancelled": "yellow", "refused": "red"}


def view(way: TurnWay) -> RenderableType:
    """Everything that `--json` has, folded."""
    head = Text.assemble(
        ("turn ", "dim"), way.turn_id, (" · session ", "dim"), way.session_id or "unknown", " · ", (way.state, "bold")
    )
    parts: list[RenderableType] = [head]
    if way.stages:
        parts.append(_waterfall(way))
    if way.attempts:
        parts.append(_ledger(way))
    parts.append(_places(way))
    return Group(*parts)


def bar(begin: datetime, end: datetime, start: datetime, stop: datetime, width: int = _WIDTH) -> str:
    """A bar in its place within begin..end; whatever took time is at least one character wide."""
    whole = max(milliseconds_between(begin, end), 0.001)
    left = min(width - 1, int(milliseconds_between(begin, start) / whole * width))
    size = max(1, round(milliseconds_between(start, stop) / whole * width))
    return " " * left + "█" * min(size, width - left)


def _waterfall(way: TurnWay) -> Table:
    lines = [*_lines(way)]
    begin, end = min(line[1] for line in lines), max(line[2] for line in lines)
    table = Table("stage", "from ms", "ms", "waterfall", "outcome", box=None, pad_edge=False)
    table.columns[1].justify = table.columns[2].justify = "right"
    for name, start, stop, outcome in lines:
        table.add_row(
            name,
            f"{milliseconds_between(begin, start):.1f}",
            f"{milliseconds_between(start, stop):.1f}",
            Text(bar(begin, end, start, stop), style=_COLOURS.get(outcome, "dim")),
            outcome,
        )
    table.add_section()
    table.add_row("all", "", f"{milliseconds_between(begin, end):.1f}", "", "")
    return table


def _lines(way: TurnWay) -> Iterator[tuple[str, datetime, datetime, str]]:
    for visit in way.stages:
        yield visit.stage, visit.entered_at, visit.left_at, visit.outcome or ""
    for made in way.attempts:
        if made.duration_ms is not None:
            stop = made.started_at + timedelta(milliseconds=made.duration_ms)
            yield f"  attempt {made.attempt}", made.started_at, stop, made.outcome


def _ledger(way: TurnWay) -> Table:
    table = Table("attempt", "model", "outcome", "first token ms", "tokens", "cost usd", box=None, pad_edge=False)
    for made in way.attempts:
        tokens = "" if made.prompt_tokens is None else f"{made.prompt_tokens} + {made.completion_tokens}"
        first = "" if made.first_token_ms is None else f"{made.first_token_ms:.1f}"
        outcome = made.outcome if made.error_code is None else f"{made.outcome}: {made.error_code}"
        cost = "" if made.cost_usd is None else f"{made.cost_usd:.10f}"
        table.add_row(str(made.attempt), made.model, outcome, first, tokens, cost)
    return table


def _places(way: TurnWay) -> Table:
    table = Table("where", "what", box=None, pad_edge=False)
    table.columns[1].overflow = "fold"
    places: dict[tuple[str, int], list[int]] = {}
    for record in way.records:
        places.setdefault((record.topic, record.partition), []).append(record.offset)
    for (topic, partition), offsets in places.items():
        table.add_row(f"{topic} [{partition}]", _offsets(offsets))
    for path in way.landed:
        table.add_row("landed", path)
    if not way.landed:
        table.add_row("landed", "nothing yet")
    for model, rows in way.warehouse.items():
        table.add_row(model, f"{rows} rows")
    if not way.warehouse:
        table.add_row("warehouse", "not built; run `sluice warehouse`")
    return table


def _offsets(offsets: list[int]) -> str:
    if len(offsets) == 1:
        return f"offset {offsets[0]}"
    return f"offsets {offsets[0]} to {offsets[-1]}, {len(offsets)} records"
