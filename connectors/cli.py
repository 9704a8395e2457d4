"""Commands over log, landing zone and warehouse."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from connectors.connect.cli import commands as connect
from connectors.query import query
from connectors.report.command import report
from connectors.seeding.command import seed_history
from connectors.telling import left_out, progress
from connectors.usage import Dimension, usage_table, used
from connectors.warehouse.cli import reconcile, warehouse
from sluice import wiring
from sluice.cli import audit
from sluice.cli.leaving import ExitCode, leave
from sluice.cli.people import Subject, user_of
from sluice.durable_files import create_secret_file
from sluice.errors import ConfigurationError, Rejected, Unavailable
from sluice.kafka_access import connection
from sluice.settings import load_settings

commands = typer.Typer(no_args_is_help=True)
commands.command()(warehouse)
commands.command()(reconcile)
commands.command()(query)
commands.command()(report)
commands.command("seed-history")(seed_history)
commands.add_typer(connect, name="connect", help="Kafka Connect: Iceberg, PostgreSQL and BigQuery as landing zones.")
_AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")]


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
            progress("records searched"),
            left_out,
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
        codec, sealer = wiring.codec(settings), wiring.sealer(settings)
        found = gather(user_id, scan, codec, zone, sealer, progress("records read"), left_out)
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
    codec, tell = wiring.codec(settings), progress("rows read")

    def rows() -> Iterator[AttemptMetered]:
        scan = LogScan(connection(settings, "operator"))
        for number, record in enumerate(scan.records(whole(scan, [topic_of(AttemptMetered.__name__)]))):
            tell(number)
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
