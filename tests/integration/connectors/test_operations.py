"""Retention, purge and erasure as dbt operations, on landed rows that are tables."""

import json
import os
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sluice.clock import utc_now
from sluice.paths import data_folder
from tests.arrivals import LandedLog, made

NOW = utc_now().replace(microsecond=0)
OLD = NOW - timedelta(days=500)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """A DuckDB file with the tables `landing."chat-turns"` and `landing."llm-usage"`: two people, two ages."""
    log = LandedLog(tmp_path / "landing")
    for at in (OLD, NOW):
        for person in ("usr_jane", "usr_john"):
            turn = f"{person}-{at:%Y}"
            log.land([made("TurnFinished", turn, "end", at, user_id=person, session_id=f"s-{person}")], at)
            log.land([made("AttemptMetered", turn, "a-1", at, user_id=person, session_id=f"s-{person}")], at)
    path = tmp_path / "tables.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("create schema landing")
        for topic in ("chat-turns", "llm-usage"):
            files = f"{log.zone.root}/{topic}/date=*/*.parquet"
            db.execute(f"create table landing.\"{topic}\" as from read_parquet('{files}', hive_partitioning = false)")
    return path


@pytest.fixture
def operate(tables: Path, dbt: Path) -> Any:
    def run(name: str, **arguments: Any) -> subprocess.CompletedProcess[str]:
        project = str(data_folder("dbt"))
        places = ["--project-dir", project, "--profiles-dir", project, "--target-path", str(tables.parent / "target")]
        places += ["--log-path", str(tables.parent / "logs")]
        return subprocess.run(
            [str(dbt), "--no-use-colors", "run-operation", name, "--args", json.dumps(arguments), *places],
            env={**os.environ, "SLUICE_WAREHOUSE_PATH": str(tables), "DO_NOT_TRACK": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def rows(path: Path, query: str) -> list[Any]:
    with duckdb.connect(str(path), read_only=True) as db:
        return db.execute(query).fetchall()


def test_old_rows_go_and_a_dry_run_only_counts_them(tables: Path, operate: Any) -> None:
    count = 'select count(*) from landing."chat-turns"'
    dry = operate("retention", keep_days=400)
    assert dry.returncode == 0, dry.stdout
    assert "retention: chat-turns: 2 rows would go" in dry.stdout
    assert "retention: llm-usage: 2 rows would go" in dry.stdout
    assert rows(tables, count) == [(4,)]
    assert operate("retention", keep_days=400, dry_run=False).returncode == 0
    assert rows(tables, count) == [(2,)]
    assert "retention: chat-turns: 0 rows" in operate("retention", keep_days=400).stdout


def test_a_day_of_a_topic_goes_to_be_landed_once_more(tables: Path, operate: Any) -> None:
    assert operate("purge", topic="llm-usage", day=f"{OLD:%Y-%m-%d}", dry_run=False).returncode == 0
    assert rows(tables, 'select count(*) from landing."llm-usage"') == [(2,)]
    assert rows(tables, 'select count(*) from landing."chat-turns"') == [(4,)]
    unknown = operate("purge", topic="no-such", day=f"{OLD:%Y-%m-%d}")
    assert unknown.returncode != 0
    assert "purge: there is no landed table of no-such. There are: chat-turns, llm-usage." in unknown.stdout
    for day in ("yesterday", "2026-13-45", "2026-02-29"):
        refused = operate("purge", topic="llm-usage", day=day)
        assert refused.returncode != 0
        assert f"purge: a day is written 2026-11-26, and {day} is none." in refused.stdout


def test_a_person_goes_and_sums_stay(tables: Path, operate: Any) -> None:
    sums = """
        select count(*), sum(cost_usd), sum(usage.prompt_tokens), count(distinct user_id), count(distinct session_id)
        from landing."llm-usage"
    """
    another = 'update landing."{}" set user_id = $1, session_id = $2 where user_id = $3 and occurred_at < $4'
    with duckdb.connect(str(tables)) as db:  # of long ago, people and sessions of their own
        for topic in ("chat-turns", "llm-usage"):
            db.execute(another.format(topic), ["usr_joan", "s-joan", "usr_john", NOW - timedelta(days=1)])
            db.execute(another.format(topic), ["usr_jane", "s-old", "usr_jane", NOW - timedelta(days=1)])
    before = rows(tables, sums)
    assert before[0][3:] == (3, 4)
    until = f"{NOW + timedelta(days=1):%Y-%m-%d %H:%M:%S+00}"
    assert "erase: chat-turns: 2 rows would go" in operate("erase", user_id="usr_jane", until=until).stdout
    assert operate("erase", user_id="usr_jane", until=until, dry_run=False).returncode == 0
    assert operate("erase", user_id="usr_joan", until=until, dry_run=False).returncode == 0
    assert rows(tables, sums) == before
    who = (
        "select user_id, session_id from landing.\"{}\" where user_id like 'usr\\_erased\\_%' escape '\\' order by all"
    )
    found = rows(tables, who.format("chat-turns"))
    assert found == rows(tables, who.format("llm-usage"))
    assert len(found) == len(set(found)) == 3
    assert len({person for person, _ in found}) == 2
    assert all(re.fullmatch("ses_erased_[0-9a-f]{24}", session) for _, session in found)
    words = rows(tables, "select user_id, question || answer = '' from landing.\"chat-turns\"")
    assert all(empty == (person != "usr_john") for person, empty in words)
    assert rows(tables, "select table_name from duckdb_tables() where table_name = 'erasure_salt'") == []
    log = "".join(path.read_text() for path in (tables.parent / "logs").iterdir())
    assert not any(person.removeprefix("usr_erased_") in log for person, _ in found)
    quoted = operate("erase", user_id="x' or true --", until=until, dry_run=False)
    assert quoted.returncode != 0
    assert "a user_id is a pseudonym" in quoted.stdout
    assert "2026-13-45 is none" in operate("erase", user_id="usr_jane", until="2026-13-45 12:00:00+00").stdout


def test_where_rows_are_files_it_says_who_does_it(tmp_path: Path, operate: Any, tables: Path) -> None:
    tables.unlink()
    refused = operate("retention")
    assert refused.returncode != 0
    assert "`sluice retention`, `sluice erase` and the steward do this" in refused.stdout
