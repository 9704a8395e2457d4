"""The build from Iceberg tables over a program that plays dbt."""

import json
import os
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from typer.testing import CliRunner

from connectors.connect.preparing import declare, own_topics
from connectors.connect.tables import landed_tables
from connectors.connect.warehouse import IcebergWarehouse, hand_out
from connectors.warehouse import cli
from sluice.cli.main import build
from sluice.errors import ConfigurationError

_DBT = """#!/usr/bin/env python3
import json, os, pathlib, sys
told = dict(zip(sys.argv, sys.argv[1:]))
pathlib.Path(os.environ["SLUICE_WAREHOUSE_PATH"]).write_text(json.dumps(dict(os.environ)))
target = pathlib.Path(told["--target-path"])
target.mkdir(parents=True, exist_ok=True)
print("building")
if os.environ["STATUS"] != "none":
    found = [{"unique_id": "test.sluice.adds_up", "status": os.environ["STATUS"], "message": "2 rows"}]
    (target / "run_results.json").write_text(json.dumps({"results": found}))
"""


def house(tmp_path: Path, status: str, *, extensions: bool = True) -> IcebergWarehouse:
    dbt = tmp_path / "venv" / "bin" / "dbt"
    dbt.parent.mkdir(parents=True)
    dbt.write_text(_DBT)
    dbt.chmod(0o755)
    for name in ("avro", "iceberg") if extensions else ():
        folder = tmp_path / "venv" / "lib" / "python3.11" / "site-packages" / f"duckdb_extension_{name}" / "v1"
        folder.mkdir(parents=True)
        (folder / f"{name}.duckdb_extension").touch()
    return IcebergWarehouse(tmp_path / "w.duckdb", tmp_path, dbt, os.environ | {"STATUS": status})


def test_a_build_that_passes_replaces_the_one_in_use(tmp_path: Path) -> None:
    made, said = house(tmp_path, "pass"), list[str]()
    made.path.write_text("the one in use")
    assert made.build(tmp_path / "tables", said.append) == []
    assert said == ["building"]
    told = json.loads(made.path.read_text())
    assert told["SLUICE_ICEBERG_TABLES"] == str(tmp_path / "tables")
    assert sorted(path.name for path in Path(told["SLUICE_DUCKDB_EXTENSIONS"]).glob("v*/*/*")) == [
        "avro.duckdb_extension",
        "iceberg.duckdb_extension",
    ]


def test_a_build_that_fails_leaves_the_one_in_use(tmp_path: Path) -> None:
    made = house(tmp_path, "fail")
    made.path.write_text("the one in use")
    assert made.build(tmp_path / "tables", lambda _: None) == ["adds_up: fail, 2 rows"]
    assert made.path.read_text() == "the one in use"


def test_what_keeps_dbt_from_running_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="dbt did not run: building"):
        house(tmp_path, "none").build(tmp_path / "tables", lambda _: None)


def test_missing_extensions_are_said_before_dbt_begins(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Delete that folder"):
        house(tmp_path, "pass", extensions=False).build(tmp_path / "tables", lambda _: None)


def test_tables_are_made_once_and_grow(tmp_path: Path) -> None:
    catalog = SqlCatalog("c", uri=f"sqlite:///{tmp_path}/c.db", warehouse=tmp_path.as_uri())
    try:
        tables = landed_tables()
        assert len(declare(catalog, tables)) == len(tables)
        assert declare(catalog, tables) == []
        with catalog.load_table("landing.llm_usage").update_schema() as update:
            update.delete_column("purpose")
        assert declare(catalog, tables) == []
        usage = next(table for table in tables if table.name == "llm_usage")
        assert set(catalog.load_table("landing.llm_usage").schema().column_names) >= set(usage.columns.names)
        hand_out(catalog, tables, tmp_path / "out")
        metadata = json.loads((tmp_path / "out" / "llm_usage.metadata.json").read_text())
        assert metadata["partition-specs"][-1]["fields"][0]["name"] == "occurred_day"
    finally:
        catalog.close()


def test_connects_own_topics_have_one_partition_and_an_end() -> None:
    for topic in own_topics():
        assert (topic.partitions, topic.kafka_config["retention.ms"]) == (1, str(168 * 3_600_000))


def test_the_command_needs_a_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    monkeypatch.setattr(cli, "dbt_program", lambda: tmp_path / "dbt")
    refused = CliRunner().invoke(build(), ["connect", "warehouse"])
    assert (refused.exit_code, "make up REGISTRY=local" in refused.stderr) == (3, True)
