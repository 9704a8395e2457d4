"""`sluice warehouse` and `sluice reconcile`."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from connectors.telling import left_out, progress
from sluice import wiring
from sluice.cli.leaving import ExitCode, ending_on_sigterm, leave
from sluice.clock import utc_now
from sluice.errors import ConfigurationError, Unavailable
from sluice.kafka_access import connection
from sluice.paths import checkout, data_folder
from sluice.settings import Settings, load_settings

if TYPE_CHECKING:  # what these bring is slow to import and not needed for `sluice --help`
    from rich.status import Status

    from connectors.billing import Billing, Meter
    from connectors.log_scan import Window
    from connectors.measures import Reconciliation
    from connectors.warehouse.build import Build

_MOST_SHOWN = 20
_AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")]


def warehouse(
    wait: Annotated[float, typer.Option(min=1, help="Seconds the landing sink may stand still.")] = 30.0,
    landed: Annotated[
        bool, typer.Option("--landed", help="From what is there, without a look at the log: no broker is needed.")
    ] = False,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Everything anew, also where adding what is new would do.")
    ] = False,
    as_json: _AsJson = False,
    last: Annotated[bool, typer.Option("--last", help="Only say how the last build went, whoever began it.")] = False,
) -> None:
    """Build the warehouse from what has landed, test it, and compare it with the log."""
    settings = load_settings()
    console = Console(highlight=False, soft_wrap=True, stderr=as_json)
    if last:
        _show_last(settings)
        return
    try:
        with ending_on_sigterm(), console.status("dbt's environment ...") as status:
            dbt = dbt_program()
            ends = None if landed else _caught_up(settings, wait, status)
            build = _build(settings, dbt, status, full_refresh=full_refresh)
        _show_build(console, build)
        document: dict[str, Any] = {"build": build.as_json(), "reconciliation": None}
        if build.failures:
            _print(document, as_json)
            logs = build.file.parent / "logs" / "dbt.log"
            leave(
                ExitCode.NO, f"The warehouse in use stays as it was. The one that failed: {build.file}, its log: {logs}"
            )
        if ends is None:
            _print(document, as_json)
            return
        with console.status("reconciliation ...") as status:
            found = _reconcile(settings, ends, lambda done: status.update(f"reconciliation: {done} records ..."))
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    _show_reconciliation(console, found)
    _print(document | {"reconciliation": found.as_json()}, as_json)
    _leave_on_drift(found, "Look for dead letters (`sluice dlq list`) and in logs/landing.log.")


def reconcile(as_json: _AsJson = False) -> None:
    """Compare topics, landing zone and facts, day by day."""
    from connectors.log_scan import LogScan, whole  # noqa: PLC0415
    from connectors.reconcile import TOPICS  # noqa: PLC0415

    settings = load_settings()
    try:
        scan = LogScan(connection(settings, "operator"))
        found = _reconcile(settings, whole(scan, TOPICS), progress("records read"))
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    if as_json:
        sys.stdout.write(json.dumps(found.as_json()) + "\n")
    else:
        _show_reconciliation(Console(highlight=False, soft_wrap=True), found)
    _leave_on_drift(found, "The facts are as of the last `sluice warehouse`; run it, then compare again.")


def _print(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(document) + "\n")


def dbt_program() -> Path:
    """In its own environment, which is made where it is missing. Raises ConfigurationError."""
    from connectors.dbt_environment import DbtEnvironment  # noqa: PLC0415

    environment = DbtEnvironment(checkout())
    if not environment.ready:
        typer.echo("Making dbt's environment, once; this takes about a minute.", err=True)
        environment.make()
    return environment.dbt


def _caught_up(settings: Settings, seconds: float, status: "Status") -> "Window":
    """Waits for the landing sink; gives the part of the log that is to be in the facts."""
    from connectors.catching_up import Patience, wait_for_sink  # noqa: PLC0415
    from connectors.landing import GROUP, landed_topics  # noqa: PLC0415
    from connectors.log_scan import LogScan, whole  # noqa: PLC0415
    from connectors.reconcile import TOPICS  # noqa: PLC0415
    from sluice.kafka_admin import KafkaAdmin  # noqa: PLC0415

    status.update("landing sink ...")
    window = whole(LogScan(connection(settings, "operator")), [topic.name for topic in landed_topics()])
    wait_for_sink(
        KafkaAdmin(connection(settings, "operator")),
        GROUP,
        window,
        Patience(seconds, time.monotonic, time.sleep),
        lambda left: status.update(f"landing sink: {left} records to go ..."),
    )
    return {place: span for place, span in window.items() if place.topic in TOPICS}


def _build(settings: Settings, dbt: Path, status: "Status", *, full_refresh: bool) -> "Build":
    from connectors.landing import landed_topics  # noqa: PLC0415
    from connectors.landing_zone import LandingZone  # noqa: PLC0415
    from connectors.warehouse.build import Warehouse  # noqa: PLC0415

    house = Warehouse(settings.warehouse_path, data_folder("dbt"), dbt, os.environ)  # noqa: TID251 (handed to dbt)
    zone, say = LandingZone(settings.landing_dir), lambda line: status.update(f"dbt: {line}")
    return house.build(zone, landed_topics(), say, full_refresh=full_refresh, wait=_moment)


def _moment() -> bool:
    time.sleep(0.2)
    return True


def _reconcile(settings: Settings, window: "Window", tell: Callable[[int], None]) -> "Reconciliation":
    from connectors.landing_zone import LandingZone  # noqa: PLC0415
    from connectors.log_scan import LogScan  # noqa: PLC0415
    from connectors.reconcile import reconcile as compare  # noqa: PLC0415

    zone = LandingZone(settings.landing_dir)
    scan = LogScan(connection(settings, "operator"))
    codec, path = wiring.codec(settings), settings.warehouse_path
    return compare(scan, window, codec, zone, path, tell, left_out, _meter(settings))


def _meter(settings: Settings) -> "Meter | None":
    """The development provider's, where that is who answers."""
    from connectors.billing import read_meter  # noqa: PLC0415

    if settings.llm != "dev":
        return None
    try:
        return read_meter(f"{settings.provider_url.removesuffix('/v1')}/meter", utc_now())
    except Unavailable as error:
        typer.echo(f"{error} The ledger is not compared with it.", err=True)
        return None


def _show_build(console: Console, build: "Build") -> None:
    table = Table("model", "rows")
    table.columns[1].justify = "right"
    for model, rows in build.rows.items():
        table.add_row(model, f"{rows:,}")
    console.print(table)
    console.print(f"{build.new_files} files read: " + (f"all, {build.anew}" if build.anew else "those that are new"))
    for path, problem in build.set_aside.items():
        console.print(f"  left out: {path}: {problem}", style="red", markup=False)
    for reason, rows in build.quarantined.items():
        console.print(f"  in quarantine, {reason}: {rows} rows (marts.quarantine)", style="yellow", markup=False)
    console.print(f"tests: {build.tests_passed} passed, {len(build.failures)} failed, {len(build.warnings)} warned")
    for warning in build.warnings:
        console.print(f"  {warning}", style="yellow", markup=False)
    for failure in build.failures:
        console.print(f"  {failure}", style="red", markup=False)


def _show_last(settings: Settings) -> None:
    from connectors.only_one import is_held  # noqa: PLC0415
    from connectors.warehouse.runs import begun_run, last_run  # noqa: PLC0415

    begun = begun_run(settings.warehouse_path)
    if begun is not None:
        at_work = is_held(settings.warehouse_path.parent)
        told = "is at work" if at_work else "was killed in the middle"
        typer.echo(f"A build that began {begun.begun_at:%Y-%m-%d %H:%M:%S} UTC {told}. The last that ended:", err=True)
    run = last_run(settings.warehouse_path)
    if run is None:
        leave(ExitCode.NO, "The warehouse was never built here. Build it with `sluice warehouse`.")
    began = f"{run.begun_at:%Y-%m-%d %H:%M:%S} UTC, {run.seconds:.1f} s"
    if run.result == "built":
        typer.echo(f"built, {began}, {run.new_files} files read")
    else:
        leave(ExitCode.NO, f"{run.result}, {began}: {run.reason}. The tables in use are those of the build before.")


def _show_reconciliation(console: Console, found: "Reconciliation") -> None:
    from connectors.measures import LAYERS, Tally  # noqa: PLC0415

    names = [*Tally().as_json()]
    table = Table("day", "layer", *names)
    for column in table.columns[2:]:
        column.justify = "right"
    for day in found.days:
        for layer in LAYERS:
            tally = day.layers.get(layer, Tally())
            if layer != "quarantine" or tally != Tally():
                table.add_row(day.date, layer, *_cells(tally.as_json()))
        table.add_section()
    table.add_row("drift", "", *_cells(found.drift.as_json()))
    console.print(table)
    if found.billing is not None:
        _show_billing(console, found.billing)
    for one in found.differences[:_MOST_SHOWN]:
        where = f"{one.topic}/{one.partition}@{one.offset}"
        console.print(f"{one.layer}: {one.event_type} {one.event_id} ({where}): {one.what}", markup=False)
    if len(found.differences) > _MOST_SHOWN:
        console.print(f"... and {len(found.differences) - _MOST_SHOWN} more; `sluice reconcile --json` names them all")
    for aside in found.quarantined[:_MOST_SHOWN]:
        where, why = f"{aside.topic}/{aside.partition}@{aside.offset}", f"{aside.reason} ({aside.detail})"
        console.print(f"{aside.event_type} {aside.event_id} ({where}): in quarantine: {why}", markup=False)
    if len(found.quarantined) > _MOST_SHOWN:
        console.print(
            f"... and {len(found.quarantined) - _MOST_SHOWN} more in quarantine; marts.quarantine has them all"
        )


def _show_billing(console: Console, billing: "Billing") -> None:
    table = Table("day", "calls", "tokens in the ledger", "at the provider")
    for day in billing.days:
        table.add_row(day.date, str(day.calls), str(day.ledger_tokens), str(day.meter_tokens))
    console.print(table)
    for one in billing.differences[:_MOST_SHOWN]:
        console.print(f"provider: attempt {one.attempt_id} call {one.call_id}: {one.what}", markup=False)


def _cells(measures: dict[str, Any]) -> list[str]:
    return [str(value) for value in measures.values()]


def _leave_on_drift(found: "Reconciliation", advice: str) -> None:
    if not found.agrees:
        leave(ExitCode.NO, f"Topics, landing zone, facts and the provider's meter differ. {advice}")
