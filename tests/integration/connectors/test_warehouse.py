"""From the log to the facts, with the real dbt, through the real commands."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from connectors.query import examples
from connectors.report.figures import read_figures
from local.compliance.gaps import undescribed
from local.compliance.models import models
from tests.arrivals import made
from tests.doubles import NOON
from tests.integration.connectors.platform import Platform, whole_turn
from tests.samples import USAGE

pytestmark = pytest.mark.usefixtures("dbt")

TURNS = 30
NOTHING = {"events": 0, "turns": 0, "attempts": 0, "tokens": 0, "cost_usd": "0.0000000000"}


def rows(path: Path, query: str) -> list[Any]:
    with duckdb.connect(str(path), read_only=True) as db:
        return db.execute(query).fetchall()


def test_what_happened_is_what_the_facts_say(platform: Platform) -> None:
    for number in range(TURNS):
        turn = whole_turn(number, NOON.replace(hour=23, minute=59) + timedelta(seconds=4 * number))
        platform.say(*turn)
        if number % 5 == 0:  # resent, as after a crash; one says something else the second time
            platform.say(*turn[:4], msgspec.structs.replace(turn[4], attempt=9), *turn[5:])
    platform.flush()
    platform.start_sink()

    built = platform.sluice("warehouse")
    assert built.returncode == 0, built.stdout + built.stderr
    assert "0 failed" in built.stdout

    warehouse = platform.home / "warehouse" / "sluice.duckdb"
    assert read_figures(warehouse, 30).totals.turns == TURNS
    for example in examples():
        assert platform.sluice("query", example, "--json").returncode == 0, example
    assert rows(
        warehouse, "select event_type, count(*), sum(prompt_tokens) from marts.fact_chat_events group by 1 order by 1"
    ) == [("StageTimed", 4 * TURNS, None), ("TurnFinished", TURNS, 12 * TURNS), ("TurnTimed", TURNS, None)]
    assert rows(
        warehouse,
        "select count(*), count(distinct turn_id), max(attempt), sum(total_tokens), sum(cost_usd)::varchar "
        "from marts.fact_llm_attempts",
    ) == [(TURNS, TURNS, 1, 15 * TURNS, "0.0001080000")]
    assert rows(
        warehouse,
        "select (select count(*) from marts.dim_user where is_current), (select count(*) from marts.dim_session), "
        "(select count(*) from marts.dim_date), (select count(*) from marts.dim_time)",
    ) == [(3, 7, 2, 1440)]

    columns = rows(warehouse, "select table_name, column_name from information_schema.columns")
    tables = [model for model in models() if not model.name.startswith(("stg_", "int_landed_rows"))]
    assert list(map(str, undescribed(columns, tables))) == []

    compared = platform.sluice("reconcile", "--json")
    assert compared.returncode == 0, compared.stderr
    document = json.loads(compared.stdout)
    assert document["drift"] == NOTHING
    assert [day["date"] for day in document["days"]] == ["2026-03-01", "2026-03-02"]
    assert sum(day["facts"]["events"] for day in document["days"]) == 7 * TURNS

    shown = platform.sluice("turn", "turn-4", "--json")
    assert shown.returncode == 0, shown.stderr
    way = json.loads(shown.stdout)
    assert (way["session_id"], way["state"]) == ("session-4", "completed")
    assert [stage["stage"] for stage in way["stages"]] == ["accept", "enrich", "redact", "respond"]
    assert {record["topic"] for record in way["records"]} == {"turn-telemetry", "llm-usage", "chat-turns"}
    assert way["warehouse"] == {"fact_chat_events": 6, "fact_llm_attempts": 1}
    assert all(Path(path).exists() for path in way["landed"])
    assert len(way["landed"]) >= 3
    assert "respond" in platform.sluice("turn", "turn-4").stdout
    assert platform.sluice("turn", "turn-nobody").returncode == 1

    next((platform.home / "landing" / "llm-usage").glob("date=*/*.parquet")).unlink()
    assert platform.sluice("reconcile", "--json").returncode == 1


def test_what_is_in_quarantine_is_named_and_is_no_drift(platform: Platform) -> None:
    turn = whole_turn(1, NOON)
    usage = msgspec.structs.replace(USAGE, prompt_tokens=-7)
    platform.say(*turn, made("AttemptMetered", "turn-2", "tokens", NOON, usage=usage))
    platform.say(made("TurnFinished", "turn-3", "early", NOON + timedelta(days=900)))
    platform.flush()
    platform.start_sink()
    built = platform.sluice("warehouse")
    assert built.returncode == 0, built.stdout + built.stderr
    assert re.search(
        r"AttemptMetered \S+ \(llm-usage/.*\): in quarantine: negative_value \(prompt_tokens\)", built.stdout
    )
    assert re.search(
        r"TurnFinished \S+ \(chat-turns/.*\): in quarantine: from_the_future \(occurred_at\)", built.stdout
    )
    compared = platform.sluice("reconcile", "--json")
    assert compared.returncode == 0, compared.stderr
    document = json.loads(compared.stdout)
    assert (document["drift"], document["differences"]) == (NOTHING, [])
    assert [(day["facts"]["events"], day["quarantine"]["events"]) for day in document["days"]] == [(7, 1), (0, 1)]
    assert {(one["turn_id"], one["reason"]) for one in document["quarantined"]} == {
        ("turn-2", "negative_value"),
        ("turn-3", "from_the_future"),
    }


def test_a_failed_test_keeps_the_warehouse_in_use(platform: Platform) -> None:
    in_use = platform.home / "warehouse" / "sluice.duckdb"
    in_use.parent.mkdir()
    in_use.write_bytes(b"the one in use")
    platform.start_sink()
    once, again = whole_turn(1, NOON), whole_turn(1, NOON)
    platform.say(*once, *(msgspec.structs.replace(event, event_id=event.event_id + "-b") for event in again))
    platform.flush()
    built = platform.sluice("warehouse")
    assert built.returncode == 1, built.stdout + built.stderr
    assert "unique_together_fact_llm_attempts" in built.stdout
    assert in_use.read_bytes() == b"the one in use"


def test_without_a_sink_the_wait_ends(platform: Platform) -> None:
    platform.say(*whole_turn(1, NOON))
    platform.flush()
    waited = platform.sluice("warehouse", "--wait", "1")
    assert waited.returncode == 3
    assert "landing sink is 7 records behind" in waited.stderr


@pytest.mark.parametrize("command", [("warehouse",), ("reconcile",), ("turn", "t-1")])
def test_without_a_broker_the_address_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    absent = Platform("127.0.0.1:1", {"SLUICE_BROKER": "127.0.0.1:1", "SLUICE_HOME": str(tmp_path)}, tmp_path)
    left = absent.sluice(*command)
    assert left.returncode == 3
    assert "127.0.0.1:1" in left.stderr
    assert "make up" in left.stderr
