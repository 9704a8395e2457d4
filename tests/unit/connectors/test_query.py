"""SQL over the warehouse by the command, and the examples."""

import json
from pathlib import Path

import duckdb
import pytest
from click.testing import Result
from typer.testing import CliRunner

from connectors.query import examples
from sluice.cli.main import build


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "warehouse" / "sluice.duckdb"
    path.parent.mkdir()
    with duckdb.connect(str(path)) as db:
        db.execute("create schema marts")
        db.execute(
            "create table marts.quarantine as select 'x' as reason, null as detail, 1.23456789e0 as share, "
            "'t' as source_topic, 2 as rows_set_aside, timestamptz '2026-01-01 00:00:00+00' as logged_at "
            "from range(3)"
        )
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    return path


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["query", *arguments])


def test_a_table_has_a_part_of_the_rows_and_says_so(warehouse: Path) -> None:
    shown = ask("select reason, detail, share from marts.quarantine", "--rows", "2")
    assert (shown.exit_code, shown.stdout.count("1.23457")) == (0, 2)
    assert "more than 2 rows" in shown.stderr
    assert "more than" not in ask("select 1 from marts.quarantine", "--rows", "3").stderr


def test_ids_and_amounts_are_written_whole(warehouse: Path) -> None:
    shown = ask("select repeat('0123456789', 12) as id, 0::decimal(38, 10) as free, 1.5::decimal(38, 10) as cost")
    (row,) = [line.split() for line in shown.stdout.splitlines() if "0123456789" in line]
    assert row == ["0123456789" * 12, "0", "1.5"]


def test_in_a_terminal_that_is_too_narrow_columns_stand_under_each_other(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = ask("select reason, repeat('x', 50) as long from marts.quarantine limit 2").stdout
    assert [line.split()[0] for line in shown.splitlines() if line[:1].isalpha()] == ["reason", "long"] * 2
    assert "long" in ask("select 1 as long").stdout.splitlines()[1]


def test_programs_get_all_rows(warehouse: Path) -> None:
    sql = "select reason, detail, logged_at from marts.quarantine limit 1"
    assert ask(sql, "--csv").stdout.splitlines() == ["reason,detail,logged_at", "x,,2026-01-01 00:00:00+00:00"]
    assert json.loads(ask(sql, "--json").stdout) == [
        {"reason": "x", "detail": None, "logged_at": "2026-01-01 00:00:00+00:00"}
    ]


def test_an_example_goes_by_its_name(warehouse: Path) -> None:
    assert "set aside" in ask().stdout
    assert "from marts.quarantine" in ask("quarantined", "--show").stdout
    (row,) = json.loads(ask("quarantined", "--json").stdout)
    assert row["rows_set_aside"] == 6
    assert "There is no example nobody" in ask("nobody").stderr
    assert all(path.read_text().startswith("-- ") for path in examples().values())


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("drop table marts.quarantine", "read-only"),
        ("select * from read_csv('/etc/passwd')", "disabled by configuration"),
        ("set enable_external_access = true", "configuration has been locked"),
        ("selct 1 + 1", "syntax error"),
        ("select * from marts.nothing", "does not exist"),
    ],
)
def test_nothing_is_changed_and_no_other_file_read(warehouse: Path, sql: str, said: str) -> None:
    refused = ask(sql)
    assert refused.exit_code == 1
    assert said in refused.stderr
    assert "docs/reference/warehouse.md" in refused.stderr


def test_names_of_columns_are_told_apart_and_cells_move_no_cursor(warehouse: Path) -> None:
    assert json.loads(ask("select 1 as a, 2 as a, 3 as a", "--json").stdout) == [{"a": 1, "a:1": 2, "a:2": 3}]
    assert "\x1b" not in ask("select chr(27) || '[31m' as a").stdout


def test_an_example_can_be_handed_over(warehouse: Path) -> None:
    shown = ask("quarantined", "--show").stdout
    assert shown.startswith("select")
    assert ask(shown, "--json").stdout == ask("quarantined", "--json").stdout
    assert "There is no SQL in it" in ask("").stderr
    assert "Ask one at a time" in ask("select 1; select 2").stderr


def test_without_a_warehouse_it_says_what_makes_one(warehouse: Path) -> None:
    warehouse.unlink()
    assert "Build it with `sluice warehouse`" in ask("select 1 + 1").stderr
