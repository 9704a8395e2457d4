"""Sums of the ledger."""

from datetime import timedelta
from decimal import Decimal

import msgspec
from rich.console import Console

from connectors.usage import Dimension, true_rows, usage_table, used
from sluice.events import AttemptMetered, Usage
from tests.samples import SAMPLES

ROW = SAMPLES["AttemptMetered"]
assert isinstance(ROW, AttemptMetered)


def row(attempt_id: str, **changes) -> AttemptMetered:
    return msgspec.structs.replace(ROW, attempt_id=attempt_id, **changes)


ROWS = [
    row("a", bot="x", cost_usd=Decimal("0.1")),
    row("a", bot="x", cost_usd=Decimal("0.1")),
    row("b", bot="y", outcome="abandoned", usage=Usage(prompt_tokens=1, completion_tokens=9, estimated=True)),
    row("b", bot="y", outcome="failed", cost_usd=Decimal("0.2"), price_version="unpriced"),
    row("b", bot="y", outcome="abandoned"),
    row("", bot="y", cost_usd=Decimal("0.4"), started_at=ROW.started_at + timedelta(days=1)),
]


def test_an_attempt_counts_once_and_its_true_count_wins():
    assert [(r.attempt_id, r.outcome) for r in true_rows(ROWS)] == [
        ("a", "completed"),
        ("b", "failed"),
        ("", "completed"),
    ]


def test_sums_by_dimension_dearest_first():
    found = used(ROWS, [Dimension.BOT])
    assert [(key, sums.calls, sums.cost_usd) for key, sums in found.items()] == [
        (("y",), 2, Decimal("0.6")),
        (("x",), 1, Decimal("0.1")),
    ]
    assert found["y",].as_json()["unpriced_calls"] == 1
    assert found["y",].as_json()["outcomes"] == {"failed": 1, "completed": 1}
    assert set(used(ROWS, [Dimension.DAY, Dimension.USER, Dimension.MODEL])) == {
        (day, ROW.user_id, ROW.model)
        for day in (ROW.started_at.date().isoformat(), (ROW.started_at + timedelta(days=1)).date().isoformat())
    }


def test_the_table_ends_with_the_sum():
    console = Console(width=200)
    with console.capture() as captured:
        console.print(usage_table([Dimension.BOT], used(ROWS, [Dimension.BOT])))
    last = captured.get().splitlines()[-2]
    assert [cell.strip() for cell in last.strip("│").split("│")] == [
        "all",
        "3",
        str(3 * ROW.usage.prompt_tokens),
        str(3 * ROW.usage.completion_tokens),
        "0",
        "0.700000",
    ]
