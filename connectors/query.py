"""`sluice query`: SQL over the warehouse in use, and the example queries of dbt/analyses by their names."""

import contextlib
import csv
import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from sluice.cli.leaving import ExitCode, leave
from sluice.paths import data_folder
from sluice.settings import load_settings

if TYPE_CHECKING:
    import duckdb

_REF = re.compile(r"\{\{ ref\('(\w+)'\) \}\}")
_NAME = re.compile(r"\w+")
_WIDEST = 10_000


def query(
    sql: Annotated[str | None, typer.Argument(metavar="SQL|NAME", help="A statement, or an example's name.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="All rows, as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="All rows, as one JSON document.")] = False,
    rows: Annotated[int, typer.Option(min=1, help="So many rows in the table.")] = 40,
    show: Annotated[bool, typer.Option("--show", help="The example's SQL instead of its rows.")] = False,
) -> None:
    """Ask the warehouse. Without SQL: which examples there are. Nothing can be changed, and no other file be read."""
    import duckdb  # noqa: PLC0415

    if sql is None:
        _list()
        return
    statement = _example(sql) if _NAME.fullmatch(sql) else sql
    if not statement.strip():
        leave(ExitCode.USAGE, "There is no SQL in it. `sluice query` without anything lists the examples.")
    if _is_several(statement):
        leave(ExitCode.USAGE, "These are several statements. Ask one at a time: only the last would show rows.")
    if show:
        typer.echo(statement)
        return
    warehouse = load_settings().warehouse_path
    if not warehouse.exists():
        leave(ExitCode.MISSING, f"There is no warehouse at {warehouse}. Build it with `sluice warehouse`.")
    try:
        with duckdb.connect(str(warehouse), read_only=True) as db:
            db.execute("set TimeZone = 'UTC'; set enable_external_access = false; set lock_configuration = true")
            found = db.execute(statement)
            _print(found, _named(found), as_csv=as_csv, as_json=as_json, most=rows)
    except duckdb.Error as error:
        leave(ExitCode.NO, f"{error}\nTables and columns are in docs/reference/warehouse.md.")


def examples() -> dict[str, Path]:
    """By name."""
    return {path.stem: path for path in sorted((data_folder("dbt") / "analyses").glob("*.sql"))}


def _is_several(statement: str) -> bool:
    """What does not parse is one: DuckDB says what is wrong with it."""
    import duckdb  # noqa: PLC0415

    with contextlib.suppress(duckdb.Error):
        return len(duckdb.extract_statements(statement)) > 1
    return False


def _list() -> None:
    for name, path in examples().items():
        typer.echo(f"{name:24} {path.read_text().splitlines()[0].removeprefix('-- ')}")
    typer.echo("\nsluice query NAME, or sluice query 'select ...'")


def _example(name: str) -> str:
    known = examples()
    if name not in known:
        leave(ExitCode.USAGE, f"There is no example {name}. There are {', '.join(known)}.")
    said, _, sql = known[name].read_text().partition("\n")  # a statement to begin with, which a shell can hand over
    return _REF.sub(r"marts.\1", sql if said.startswith("--") else f"{said}\n{sql}").strip()


def _named(found: "duckdb.DuckDBPyConnection") -> list[str]:
    """Names of columns, each once."""
    names: list[str] = []
    for column in found.description or ():
        again = sum(name.partition(":")[0] == column[0] for name in names)
        names.append(f"{column[0]}:{again}" if again else column[0])
    return names


def _print(found: "duckdb.DuckDBPyConnection", names: list[str], *, as_csv: bool, as_json: bool, most: int) -> None:
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows(found.fetchall())
    elif as_json:
        everything: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        sys.stdout.write(json.dumps(everything, default=str) + "\n")
    else:
        shown = found.fetchmany(most)
        _show(Console(highlight=False, markup=False), names, [[_cell(value) for value in row] for row in shown])
        if len(shown) == most and found.fetchone() is not None:
            typer.echo(f"... more than {most} rows; --rows, --csv or --json show more", err=True)


def _show(console: Console, names: list[str], rows: list[list[str]]) -> None:
    """A table as wide as it is; in a terminal that is too narrow for it, one column under the other for each row."""
    table = Table(box=SIMPLE)
    for name in names:
        table.add_column(name, no_wrap=True)  # ids are there to be copied
    for row in rows:
        table.add_row(*row)
    wanted = Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum
    if wanted <= console.width or not console.is_terminal:
        console.width = max(wanted, console.width)
        console.print(table)
        return
    for number, row in enumerate(rows, start=1):
        record = Table(box=None, show_header=False, pad_edge=False, title=f"{number}", title_justify="left")
        record.add_column(no_wrap=True)
        record.add_column(overflow="fold")
        for name, cell in zip(names, row, strict=True):
            record.add_row(name, cell)
        console.print(record)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = f"{value.normalize():f}"
    else:
        text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)
