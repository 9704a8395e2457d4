"""Commands over log, landing zone and warehouse."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from connectors.usage import Dimension, usage_table, used
from sluice import wiring
from sluice.cli import audit
from sluice.cli.leaving import ExitCode, leave
from sluice.cli.people import Subject, user_of
from sluice.durable_files import create_secret_file
from sluice.errors import ConfigurationError, Rejected, Unavailable
from sluice.kafka_access import connection
from sluice.paths import checkout, data_folder
from sluice.settings import Settings, load_settings

if TYPE_CHECKING:  # what these bring is slow to import and not needed for `sluice --help`
    from rich.status import Status

    from connectors.log_scan import LogScan, Window
    from connectors.measures import Reconciliation
    from connectors.warehouse import Build

commands = typer.Typer(no_args_is_help=True)
_AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")]
_QUIET_SECONDS = 1.0


@commands.command()
def warehouse(
    wait: Annotated[float, typer.Option(min=1, help="Seconds the landing sink may stand still.")] = 30.0,
) -> None:
    """Build the warehouse from what has landed, test it, and compare it with the log."""
    from connectors.log_scan import LogScan  # noqa: PLC0415
    from connectors.reconcile import TOPICS  # noqa: PLC0415

    settings, console = load_settings(), Console(highlight=False, soft_wrap=True)
    try:
        scan = LogScan(connection(settings, "operator"))
        with console.status("dbt's environment ...") as status:
            dbt = _dbt()
            status.update("landing sink ...")
            ends = _wait_for_sink(settings, scan, wait, status)
            build = _build(settings, dbt, status)
        _show_build(console, build)
        if build.failures:
            leave(ExitCode.NO, f"The warehouse in use stays as it was. The one that failed: {build.file}")
        with console.status("reconciliation ...") as status:
            cut = {place: span for place, span in ends.items() if place.topic in TOPICS}
            found = _reconcile(settings, scan, cut, lambda done: status.update(f"reconciliation: {done} records ..."))
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    _show_reconciliation(console, found)
    _leave_on_drift(found, "Look for dead letters (`sluice dlq list`) and in logs/landing.log.")


@commands.command()
def reconcile(as_json: _AsJson = False) -> None:
    """Compare topics, landing zone and facts, day by day."""
    from connectors.log_scan import LogScan, whole  # noqa: PLC0415
    from connectors.reconcile import TOPICS  # noqa: PLC0415

    settings = load_settings()
    try:
        scan = LogScan(connection(settings, "operator"))
        found = _reconcile(settings, scan, whole(scan, TOPICS), _progress("records read"))
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    if as_json:
        sys.stdout.write(json.dumps(found.as_json()) + "\n")
    else:
        _show_reconciliation(Console(highlight=False, soft_wrap=True), found)
    _leave_on_drift(found, "The facts are as of the last `sluice warehouse`; run it, then compare again.")


@commands.command()
def turn(turn_id: Annotated[str, typer.Argument(metavar="TURN_ID")], as_json: _AsJson = False) -> None:
    """The way of one turn: topics, stages, attempts, landed files, warehouse rows."""
    from connectors.landing_zone import LandingZone  # noqa: PLC0415
    from connectors.log_scan import LogScan  # noqa: PLC0415
    from connectors.turn_search import find_turn  # noqa: PLC0415
    from connectors.turn_view import view  # noqa: PLC0415

    settings = load_settings()
    try:
        way = find_turn(
            turn_id,
            LogScan(connection(settings, "operator")),
            wiring.codec(settings),
            LandingZone(settings.landing_dir),
            settings.warehouse_path,
            _progress("records searched"),
        )
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    if way is None:
        leave(ExitCode.NO, f"Nothing is known of turn {turn_id}: not in the log, not in {settings.landing_dir}.")
    if as_json:
        sys.stdout.write(json.dumps(way.as_json()) + "\n")
    else:
        Console(highlight=False, soft_wrap=True).print(view(way))


@commands.command()
def export(
    subject: Subject,
    output: Annotated[Path | None, typer.Option(help="A new file for it, readable by you alone.")] = None,
) -> None:
    """Everything that is kept of a person, as one JSON document, for that person. Leaves a mark in the audit log."""
    from connectors.export import export as gather  # noqa: PLC0415
    from connectors.landing_zone import LandingZone  # noqa: PLC0415
    from connectors.log_scan import LogScan  # noqa: PLC0415

    settings = load_settings()
    try:
        user_id = user_of(settings, subject)
        if output is not None and output.exists():
            leave(ExitCode.USAGE, f"{output} is there already.")
        audit.mark(settings, "data.export", "allowed", "requested", user_id)
        scan, zone = LogScan(connection(settings, "operator")), LandingZone(settings.landing_dir)
        found = gather(user_id, scan, wiring.codec(settings), zone, wiring.sealer(settings), _progress("records read"))
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    text = json.dumps(found, ensure_ascii=False, indent=2, default=str) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        create_secret_file(output.absolute(), text.encode())
        typer.echo(f"{len(found['conversations'])} conversations of {user_id} in {output}")


@commands.command()
def usage(
    by: Annotated[
        list[Dimension] | None, typer.Option(help="bot, model, user or day; may be given more than once.")
    ] = None,
    as_json: _AsJson = False,
) -> None:
    """Tokens and cost, from the ledger in the log."""
    from connectors.log_scan import LogScan, whole  # noqa: PLC0415
    from sluice.events import AttemptMetered  # noqa: PLC0415
    from sluice.topics import topic_of  # noqa: PLC0415

    settings, dimensions = load_settings(), by or [Dimension.BOT, Dimension.MODEL]
    codec, progress = wiring.codec(settings), _progress("rows read")

    def rows() -> Iterator[AttemptMetered]:
        scan = LogScan(connection(settings, "operator"))
        for number, record in enumerate(scan.records(whole(scan, [topic_of(AttemptMetered.__name__)]))):
            progress(number)
            try:
                event = codec.decode(record.value)
            except Rejected:
                continue  # it is in the dead letters
            if isinstance(event, AttemptMetered):
                yield event

    try:
        found = used(rows(), dimensions)
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    if as_json:
        listed = [dict(zip(dimensions, key, strict=True)) | sums.as_json() for key, sums in found.items()]
        sys.stdout.write(json.dumps({"by": dimensions, "usage": listed}) + "\n")
    else:
        Console(highlight=False, soft_wrap=True).print(usage_table(dimensions, found))


def _dbt() -> Path:
    from connectors.dbt_environment import DbtEnvironment  # noqa: PLC0415

    environment = DbtEnvironment(checkout())
    if not environment.ready:
        typer.echo("Making dbt's environment, once; this takes about a minute.", err=True)
        environment.make()
    return environment.dbt


def _wait_for_sink(settings: Settings, scan: "LogScan", seconds: float, status: "Status") -> "Window":
    from connectors.catching_up import Patience, wait_for_sink  # noqa: PLC0415
    from connectors.landing import GROUP, landed_topics  # noqa: PLC0415
    from connectors.log_scan import whole  # noqa: PLC0415
    from sluice.kafka_admin import KafkaAdmin  # noqa: PLC0415

    window = whole(scan, [topic.name for topic in landed_topics()])
    wait_for_sink(
        KafkaAdmin(connection(settings, "operator")),
        GROUP,
        window,
        Patience(seconds, time.monotonic, time.sleep),
        lambda left: status.update(f"landing sink: {left} records to go ..."),
    )
    return window


def _build(settings: Settings, dbt: Path, status: "Status") -> "Build":
    from connectors.landing import landed_topics  # noqa: PLC0415
    from connectors.landing_zone import LandingZone  # noqa: PLC0415
    from connectors.warehouse import Warehouse  # noqa: PLC0415

    house = Warehouse(settings.warehouse_path, data_folder("dbt"), dbt, os.environ)  # noqa: TID251 (handed to dbt)
    return house.build(LandingZone(settings.landing_dir), landed_topics(), lambda line: status.update(f"dbt: {line}"))


def _reconcile(
    settings: Settings, scan: "LogScan", window: "Window", progress: Callable[[int], None]
) -> "Reconciliation":
    from connectors.landing_zone import LandingZone  # noqa: PLC0415
    from connectors.reconcile import reconcile as compare  # noqa: PLC0415

    zone = LandingZone(settings.landing_dir)
    return compare(scan, window, wiring.codec(settings), zone, settings.warehouse_path, progress)


def _show_build(console: Console, build: "Build") -> None:
    table = Table("model", "rows")
    table.columns[1].justify = "right"
    for model, rows in build.rows.items():
        table.add_row(model, f"{rows:,}")
    console.print(table)
    console.print(f"tests: {build.tests_passed} passed, {len(build.failures)} failed")
    for failure in build.failures:
        console.print(f"  {failure}", style="red", markup=False)


def _show_reconciliation(console: Console, found: "Reconciliation") -> None:
    from connectors.measures import LAYERS, Tally  # noqa: PLC0415

    names = [*Tally().as_json()]
    table = Table("day", "layer", *names)
    for column in table.columns[2:]:
        column.justify = "right"
    for day in found.days:
        for layer in LAYERS:
            table.add_row(day.date, layer, *_cells(day.layers.get(layer, Tally()).as_json()))
        table.add_section()
    table.add_row("drift", "", *_cells(found.drift.as_json()))
    console.print(table)


def _cells(measures: dict[str, Any]) -> list[str]:
    return [str(value) for value in measures.values()]


def _leave_on_drift(found: "Reconciliation", advice: str) -> None:
    from connectors.measures import Tally  # noqa: PLC0415

    if found.drift != Tally():
        leave(ExitCode.NO, f"Topics, landing zone and facts differ. {advice}")


def _progress(what: str) -> Callable[[int], None]:
    """Says on standard error how far a search is, once it has taken a second; then every second."""
    last = time.monotonic()

    def say(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _QUIET_SECONDS:
            last = now
            typer.echo(f"{done} {what} ...", err=True)

    return say
