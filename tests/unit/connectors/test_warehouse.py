"""The build around dbt, with a dbt of three lines; and the environment, with an installer of one."""

import os
from pathlib import Path

import duckdb
import pytest

from connectors.dbt_environment import DbtEnvironment
from connectors.landing_zone import LandingZone
from connectors.only_one import hold
from connectors.warehouse import Build, Warehouse
from sluice.errors import ConfigurationError
from sluice.topics import catalogue

_DBT = """#!/usr/bin/env python3
import json, os, pathlib, shutil, sys
print("1 of 2 START model")
target = pathlib.Path(sys.argv[sys.argv.index("--target-path") + 1])
target.mkdir()
shutil.copy({database!r}, os.environ["SLUICE_WAREHOUSE_PATH"])
results = [
    dict(unique_id="model.sluice.fact_x", status="success", relation_name='"w"."marts"."fact_x"', message="ok"),
    dict(unique_id="model.sluice.fact_y", status="skipped", relation_name='"w"."marts"."fact_y"', message=None),
    dict(unique_id="test.sluice.unique_x.1a", status={status!r}, relation_name=None, message="Got 2 results\\nmore"),
]
(target / "run_results.json").write_text(json.dumps(dict(results=results)))
"""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(str(path)) as db:
        db.execute("create schema marts")
        db.execute("create table marts.fact_x as select * from range(3)")
    return path


def build(tmp_path: Path, dbt: Path, said: list[str] | None = None) -> Build:
    house = Warehouse(tmp_path / "home" / "w.duckdb", tmp_path, dbt, os.environ)
    said = [] if said is None else said
    return house.build(LandingZone(tmp_path / "landing"), [catalogue()["llm-usage"]], said.append)


def test_a_good_build_takes_the_place_of_the_old(tmp_path: Path, database: Path) -> None:
    said: list[str] = []
    built = build(tmp_path, script(tmp_path / "dbt", _DBT.format(database=str(database), status="pass")), said)
    assert (built.rows, built.tests_passed, built.failures) == ({"fact_x": 3}, 1, ())
    assert built.file == tmp_path / "home" / "w.duckdb"
    assert built.file.exists()
    assert said == ["1 of 2 START model"]
    assert (tmp_path / "landing" / "llm-usage" / "_columns.parquet").exists()


def test_a_build_with_a_failed_test_does_not(tmp_path: Path, database: Path) -> None:
    built = build(tmp_path, script(tmp_path / "dbt", _DBT.format(database=str(database), status="fail")))
    assert built.failures == ("unique_x: fail, Got 2 results",)
    assert not (tmp_path / "home" / "w.duckdb").exists()
    assert built.file.exists()


def test_a_dbt_that_does_not_begin_says_why(tmp_path: Path) -> None:
    dbt = script(tmp_path / "dbt", "#!/bin/sh\necho 'Compilation Error in model x'\n")
    with pytest.raises(ConfigurationError, match="Compilation Error in model x"):
        build(tmp_path, dbt)


def test_two_builds_at_once_are_refused(tmp_path: Path) -> None:
    with hold(tmp_path / "home"), pytest.raises(ConfigurationError, match="at work"):
        build(tmp_path, tmp_path / "dbt")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "constraints").mkdir()
    (tmp_path / "constraints" / "dbt.txt").write_text("dbt-core==1.11.16\n")
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    script(tmp_path / "bin" / "python", '#!/bin/sh\nfor last; do :; done; mkdir -p "$last/bin"\n')
    script(tmp_path / "bin" / "uv", f"#!/bin/sh\ntouch {tmp_path}/.venv-dbt/bin/dbt\n")
    return tmp_path


def test_the_environment_is_made_once_and_again_when_its_requirements_change(checkout: Path) -> None:
    environment = DbtEnvironment(checkout)
    assert not environment.ready
    environment.make()
    assert environment.ready
    assert environment.dbt == checkout / ".venv-dbt" / "bin" / "dbt"
    (checkout / "constraints" / "dbt.txt").write_text("dbt-core==1.11.17\n")
    assert not environment.ready


def test_an_index_that_cannot_be_reached_is_said(checkout: Path) -> None:
    script(checkout / "bin" / "uv", "#!/bin/sh\necho 'connection refused' >&2\nexit 2\n")
    with pytest.raises(ConfigurationError, match=r"(?s)package index.*connection refused"):
        DbtEnvironment(checkout).make()
    assert not DbtEnvironment(checkout).ready


def test_without_uv_it_says_what_brings_it(checkout: Path) -> None:
    (checkout / "bin" / "uv").unlink()
    with pytest.raises(ConfigurationError, match="uv is missing"):
        DbtEnvironment(checkout).make()


def test_outside_a_checkout_there_is_no_dbt(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="checkout"):
        DbtEnvironment(tmp_path).make()
