"""dbt's operations on the tables that the BigQuery sink writes."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.bigquery.client import connected
from connectors.bigquery.tables import sent
from connectors.connect.tables import landed_tables
from sluice.paths import data_folder
from tests.bigquery.emulator import DATASET, PROJECT, Emulator, running
from tests.doubles import NOON
from tests.ports import free_ports

Operate = Callable[..., subprocess.CompletedProcess[str]]
_PROFILE = """
sluice:
  target: bigquery
  outputs:
    bigquery:
      type: bigquery
      method: oauth-secrets
      token: none
      api_endpoint: http://127.0.0.1:{port}
      project: {project}
      dataset: sluice
      job_retries: 0
      threads: 1
"""


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    """With all tables; Jane and John have said one thing each."""
    rest, grpc = free_ports(2)
    with running(tmp_path / "bigquery", rest, grpc) as started:
        bigquery = connected(PROJECT, DATASET, (f"127.0.0.1:{rest}", f"127.0.0.1:{grpc}"), lambda: None)
        for table in landed_tables():
            bigquery.prepare(table.name, table.columns, "k")
            if table.name in ("chat_turns", "llm_usage"):
                rows = pa.Table.from_pylist([_row(table.columns, name) for name in ("jane", "john")], table.columns)
                bigquery.append(table.name, bigquery.create_stream(table.name), 0, sent(rows))
        yield started


@pytest.fixture
def operate(emulator: Emulator, dbt: Path, tmp_path: Path) -> Operate:
    (tmp_path / "profiles.yml").write_text(_PROFILE.format(port=emulator.rest_port, project=PROJECT))
    project = ["--project-dir", str(data_folder("dbt")), "--profiles-dir", str(tmp_path)]
    places = [*project, "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]

    def run(name: str, **arguments: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(dbt), "--no-use-colors", "run-operation", name, "--args", json.dumps(arguments), *places],
            env=os.environ | {"DO_NOT_TRACK": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_an_erased_person_goes_from_all_tables(emulator: Emulator, operate: Operate) -> None:
    done = operate("erase", user_id="usr_jane", until="2100-01-01 00:00:00+00", dry_run=False)
    assert done.returncode == 0, done.stdout
    words = emulator.query(f"select user_id, question, answer from `{PROJECT}.{DATASET}.chat_turns`")
    names = emulator.query(f"select user_id, session_id from `{PROJECT}.{DATASET}.llm_usage`")
    left = emulator.query(f"select table_name from `{PROJECT}.{DATASET}.INFORMATION_SCHEMA.TABLES`")
    nobody, john = sorted(words, key=lambda row: row["user_id"] == "usr_john")
    assert nobody["user_id"].startswith("usr_erased_")
    assert (nobody["question"], nobody["answer"]) == ("", "")
    assert john == {"user_id": "usr_john", "question": "why", "answer": "so"}
    assert {row["user_id"] for row in names} == {nobody["user_id"], "usr_john"}
    assert "s-jane" not in {row["session_id"] for row in names}
    assert {row["table_name"] for row in left} == {table.name for table in landed_tables()}


def test_a_day_of_a_topic_goes_by_the_name_of_the_topic(emulator: Emulator, operate: Operate) -> None:
    other = operate("purge", topic="llm-usage", day=f"{NOON - timedelta(days=1):%Y-%m-%d}", dry_run=False)
    assert "purge: llm_usage: 0 rows" in other.stdout
    assert _count(emulator, "llm_usage") == 2
    done = operate("purge", topic="llm-usage", day=f"{NOON:%Y-%m-%d}", dry_run=False)
    assert done.returncode == 0, done.stdout
    assert "purge: llm_usage: 2 rows" in done.stdout
    assert (_count(emulator, "llm_usage"), _count(emulator, "chat_turns")) == (0, 2)
    unknown = operate("purge", topic="no-such", day=f"{NOON:%Y-%m-%d}")
    assert unknown.returncode != 0
    assert "purge: there is no landed table of no-such" in unknown.stdout


def _count(emulator: Emulator, table: str) -> int:
    (found,) = emulator.query(f"select count(*) as n from `{PROJECT}.{DATASET}.{table}`")
    return int(found["n"])


def _row(columns: pa.Schema, name: str) -> dict[str, Any]:
    said = {"question": "why", "answer": "so", "user_id": f"usr_{name}", "session_id": f"s-{name}"}
    place = {"_topic": "t", "_partition": 0, "_offset": 0, "occurred_at": NOON}
    return (
        dict.fromkeys(columns.names)
        | {column: value for column, value in said.items() if column in columns.names}
        | place
    )
