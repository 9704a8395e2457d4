"""The page, out of marts of a few rows."""

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from connectors.report.charts import charts
from connectors.report.figures import Figures, read_figures
from connectors.report.page import page
from connectors.warehouse.runs import Run, noted
from sluice.cli.main import build
from sluice.errors import ConfigurationError
from tests.doubles import NOON

DAY = date(2026, 11, 25)
MARTS = """
    create schema marts;
    create table marts.fact_chat_turns as select * from (values
        (date '2026-11-25', 'assistant', 's-1', 'u-1', 'completed', null, 10, 5, 0.1234567890::decimal(38, 10), 3.5),
        (date '2026-11-25', 'assistant', 's-1', 'u-1', 'failed', 'model_timeout', 10, 0, 0, null),
        (date '2026-11-25', '</script><b>', 's-2', 'u-2', 'running', null, 0, 0, 0, null),
        (date '2026-10-01', 'assistant', 's-3', 'u-3', 'completed', null, 7, 7, 1, 9.0)
    ) as t (
        date_day, bot, session_id, user_id, state, error_code, prompt_tokens, completion_tokens, cost_usd, overhead_ms
    );
    create table marts.daily_usage as select * from (values
        (date '2026-11-25', 'openai/a', 2, 20, 5, 0.1234567890::decimal(38, 10)),
        (date '2026-11-25', 'none', 0, 0, 0, 0)
    ) as t (date_day, model, attempts, prompt_tokens, completion_tokens, cost_usd);
    create table marts.daily_latency as select * from (values
        (date '2026-11-25', 'enrich', 1.0, 2.0, 3.0, 2), (date '2026-11-25', 'a new span', 1.0, 2.0, 3.0, 2)
    ) as t (date_day, span, p50_ms, p95_ms, p99_ms, measurements);
    create table marts.daily_engagement as
        select date '2026-11-25' as date_day, 2 as people, 1 as new_people, 2 as people_7_days;
    create table marts.daily_data_quality as select date '2026-11-25' as date_day, null::double as conformance,
        0.95e0 as conformance_objective, 0.2e0 as critical_share, 0.01e0 as critical_objective;
    create table marts.weekly_retention as
        select date '2026-11-23' as first_week, 0 as weeks_later, 1.0 as share, 2 as cohort_people;
    create table marts.quarantine as select * from (values ('negative_value', 2), ('resent', 1))
        as t (reason, rows_set_aside);
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse" / "sluice.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as db:
        db.execute(MARTS)
    return path


def plotted(text: str) -> dict[str, dict[str, list[dict[str, object]]]]:
    (line,) = re.findall(r"^const charts = (.*);$", text, re.MULTILINE)
    found: dict[str, dict[str, list[dict[str, object]]]] = json.loads(line)
    return found


def drawn(figures: Figures, last: Run | None = None) -> str:
    return page(figures, charts(figures), "sluice.duckdb", NOON, last)


def test_totals_are_of_the_days_asked_for(warehouse: Path) -> None:
    figures = read_figures(warehouse, 30)
    totals = figures.totals
    assert (figures.since, figures.until) == (date(2026, 10, 27), DAY)
    assert (totals.turns, totals.conversations, totals.people, totals.tokens) == (3, 2, 2, 25)
    assert (totals.failed_share, totals.cost_usd) == (0.5, Decimal("0.1234567890"))
    assert (totals.overhead_p95_ms, totals.quarantined_rows, totals.repeated_rows) == (3.5, 3, 1)
    assert read_figures(warehouse, 60).totals.turns == 4


def test_charts_have_the_rows_and_money_keeps_its_places(warehouse: Path) -> None:
    text = drawn(read_figures(warehouse, 30))
    found = plotted(text)
    assert [one["name"] for one in found["latency"]["data"]] == ["enrich", "a new span"]
    assert found["cost"]["data"][0]["customdata"] == ["0.1234567890"]
    assert {one["name"]: one["y"] for one in found["turns"]["data"]} == {
        "assistant": [2],
        "&lt;/script&gt;&lt;b&gt;": [1],
    }
    assert found["errors"]["data"][0]["name"] == "model_timeout"
    assert found["quality"]["data"][0]["y"] == [None]
    assert "<dd>3 (1 repeated)</dd>" in text
    assert "</script><b>" not in text
    assert text.count("</script>") == 2
    assert not re.search(r"(src|href)=", text.split("<script>")[0])


@pytest.mark.parametrize(
    ("days", "span", "ticks"),
    [
        (1, ("2026-11-24 12:00", "2026-11-25 12:00"), True),  # as asked
        (30, ("2026-11-18 12:00", "2026-11-25 12:00"), True),  # a history of one day
        (60, ("2026-09-30 12:00", "2026-11-25 12:00"), False),
    ],
)
def test_charts_are_of_days(warehouse: Path, days: int, span: tuple[str, str], ticks: bool) -> None:
    figures = read_figures(warehouse, days)
    for chart in charts(figures):
        axis, bars = chart.figure.layout.xaxis, [one for one in chart.figure.data if one.type == "bar"]
        assert (axis.range == span) == (chart.name != "retention")
        assert (axis.dtick is not None) == (ticks and chart.name != "retention")
        assert all(bar.width == 69_120_000 for bar in bars)


def test_days_without_rows_say_so(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as db:
        db.execute("delete from marts.quarantine")
        for mart in ("daily_usage", "daily_latency", "daily_engagement", "daily_data_quality", "weekly_retention"):
            db.execute(f"delete from marts.{mart}")
        db.execute("delete from marts.fact_chat_turns where state <> 'running'")
    figures = read_figures(warehouse, 1)
    assert (figures.totals.failed_share, figures.totals.overhead_p95_ms) == (None, None)
    text = drawn(figures)
    assert "none" in text
    assert text.count("Nothing in these days.") == 3
    assert "<dd>0</dd>" in text
    assert "turns" in plotted(text)


def test_a_failed_build_is_said_above_the_tables_that_are_older(warehouse: Path) -> None:
    figures = read_figures(warehouse, 1)
    failed = Run(NOON, 3.0, "failed", "unique_x: fail, <2 results>")
    assert "The last build failed: unique_x: fail, &lt;2 results&gt;." in drawn(figures, failed)
    assert "The last build" not in drawn(figures, Run(NOON, 3.0, "built"))


def test_what_cannot_be_read_is_said_with_the_next_step(warehouse: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no warehouse at .*sluice warehouse"):
        read_figures(tmp_path / "no.duckdb", 1)
    torn = tmp_path / "torn.duckdb"
    for content in (b"", b"broken", warehouse.read_bytes()[:5000]):
        torn.write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"torn.duckdb (cannot be read|is of another) .*--full-refresh"):
            read_figures(torn, 1)
    with duckdb.connect(str(warehouse)) as db:
        db.execute("drop table marts.daily_latency")
    with pytest.raises(ConfigurationError, match=r"of another version .*--full-refresh"):
        read_figures(warehouse, 1)
    with duckdb.connect(str(warehouse)) as db:
        db.execute("delete from marts.fact_chat_turns")
    with pytest.raises(ConfigurationError, match="No turn is in the warehouse yet"):
        read_figures(warehouse, 1)


def test_the_command_writes_one_file_and_says_where(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_HOME", str(warehouse.parent.parent))
    with noted(warehouse, lambda: NOON) as run:
        run.ended([], 1)
    done = CliRunner().invoke(build(), ["report", "--days", "1"])
    assert (done.exit_code, done.stdout.strip()) == (
        0,
        f"2026-11-25 to 2026-11-25, 3 turns: open {warehouse.with_name('report.html').as_uri()}",
    )
    refused = CliRunner().invoke(build(), ["report", "--out", str(warehouse / "x" / "page.html")])
    assert refused.exit_code == 3
    assert "--out" in refused.stderr
    warehouse.unlink()
    assert CliRunner().invoke(build(), ["report"]).exit_code == 3
