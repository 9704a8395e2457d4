"""What the page shows, read from the marts of a warehouse. Money is summed by the warehouse, as decimal."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from sluice.errors import ConfigurationError

Rows = list[dict[str, Any]]
"""One mapping of columns a row."""

_QUERIES: Mapping[str, str] = {
    "turns": """
        select date_day, bot, count(*) as turns
        from marts.fact_chat_turns where date_day between $since and $until group by all order by all
    """,
    "cost": """
        select date_day, model, sum(cost_usd) as cost_usd
        from marts.daily_usage where date_day between $since and $until and attempts > 0 group by all order by all
    """,
    "tokens": """
        select date_day, sum(prompt_tokens) as prompt_tokens, sum(completion_tokens) as completion_tokens
        from marts.daily_usage where date_day between $since and $until group by all order by all
    """,
    "latency": """
        select date_day, span, p50_ms, p95_ms, p99_ms, measurements
        from marts.daily_latency where date_day between $since and $until order by all
    """,
    "errors": """
        select date_day, coalesce(error_code, 'none') as error_code, count(*) as turns
        from marts.fact_chat_turns
        where state = 'failed' and date_day between $since and $until group by all order by all
    """,
    "people": """
        select date_day, people, new_people, people_7_days
        from marts.daily_engagement where date_day between $since and $until order by all
    """,
    "quality": """
        select date_day, conformance, conformance_objective, critical_share, critical_objective
        from marts.daily_data_quality where date_day between $since and $until order by all
    """,
    "retention": """
        select first_week, weeks_later, share, cohort_people
        from marts.weekly_retention where first_week between $since and $until and weeks_later <= 8 order by all
    """,
}
_TOTALS = """
    select
        count(*) as turns,
        count(distinct session_id) as conversations,
        count(distinct user_id) as people,
        count(*) filter (where state = 'failed') as failed,
        count(*) filter (where state <> 'running') as ended,
        sum(prompt_tokens + completion_tokens) as tokens,
        sum(cost_usd) as cost_usd,
        quantile_cont(overhead_ms, 0.95) as overhead_p95_ms
    from marts.fact_chat_turns where date_day between $since and $until
"""
_QUARANTINED = """
    select
        coalesce(sum(rows_set_aside), 0),
        coalesce(sum(rows_set_aside) filter (where reason in ('resent', 'landed_twice')), 0)
    from marts.quarantine
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all days together. Shares are between 0 and 1, None where nothing was counted.

    What is in quarantine is of all days there are; rows that came before are `repeated` ones of it.
    """

    turns: int
    conversations: int
    people: int
    failed_share: float | None
    tokens: int
    cost_usd: Decimal
    overhead_p95_ms: float | None
    quarantined_rows: int
    repeated_rows: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Rows by the name of their chart, for the days from `since` to `until`."""

    since: date
    until: date
    totals: Totals
    rows: Mapping[str, Rows]


def read_figures(warehouse: Path, days: int) -> Figures:
    """The last `days` days that have turns.

    Raises ConfigurationError where there is no warehouse, or nothing in it.
    """
    try:
        with _opened(warehouse) as db:
            (until,) = db.execute("select max(date_day) from marts.fact_chat_turns").fetchone() or (None,)
            if until is None:
                raise ConfigurationError("No turn is in the warehouse yet. Ask something, then run `sluice warehouse`.")
            since = date.fromordinal(until.toordinal() - days + 1)
            span = {"since": since, "until": until}
            rows = {name: _rows(db, query, span) for name, query in _QUERIES.items()}
            (totals,) = _rows(db, _TOTALS, span)
            quarantined, repeated = db.execute(_QUARANTINED).fetchone() or (0, 0)
    except duckdb.Error as error:
        of_another = isinstance(error, duckdb.CatalogException | duckdb.BinderException)
        raise ConfigurationError(
            f"The warehouse {warehouse} {'is of another version' if of_another else 'cannot be read'} "
            f"({str(error).splitlines()[0]}). Build it anew with `sluice warehouse --full-refresh`."
        ) from None
    return Figures(since, until, _totals(totals, int(quarantined), int(repeated)), rows)


def _totals(row: Mapping[str, Any], quarantined: int, repeated: int) -> Totals:
    return Totals(
        turns=row["turns"],
        conversations=row["conversations"],
        people=row["people"],
        failed_share=row["failed"] / row["ended"] if row["ended"] else None,
        tokens=int(row["tokens"]),
        cost_usd=row["cost_usd"],
        overhead_p95_ms=row["overhead_p95_ms"],
        quarantined_rows=quarantined,
        repeated_rows=repeated,
    )


def _rows(db: duckdb.DuckDBPyConnection, query: str, span: Mapping[str, date]) -> Rows:
    found = db.execute(query, dict(span))
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@contextmanager
def _opened(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    if not warehouse.exists():
        raise ConfigurationError(f"There is no warehouse at {warehouse}. Build it with `sluice warehouse`.")
    with duckdb.connect(str(warehouse), read_only=True) as db:
        db.execute("set TimeZone = 'UTC'")
        yield db
