"""`sluice topics` and `sluice lag`."""

import json
import sys
import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Column, Table

from sluice.cli import acls
from sluice.cli.leaving import ExitCode, leave
from sluice.clock import utc_now
from sluice.errors import Unavailable
from sluice.kafka_access import connection
from sluice.kafka_admin import KafkaAdmin, PartitionLag
from sluice.kafka_admin import lag as lag_of
from sluice.settings import load_settings
from sluice.topics import catalogue

commands = typer.Typer(no_args_is_help=True)
commands.command("acls")(acls.acls)
_WATCH_SECONDS = 2.0


@commands.command("list")
def list_topics(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """The catalogue beside what the cluster has."""
    try:
        existing = KafkaAdmin(connection(load_settings(), "operator")).partitions()
    except Unavailable as error:
        leave(ExitCode.MISSING, str(error))
    rows = [asdict(topic) | {"exists": existing.get(topic.name) == topic.partitions} for topic in catalogue().values()]
    if as_json:
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    table = Table(Column("topic", no_wrap=True), "events", "partitions", "retention", "personal data", "owner", "there")
    for row in rows:
        there = _there(row["partitions"], existing.get(row["name"]))
        hours = f"{row['retention_hours']} h" if row["retention_hours"] else "for ever"
        table.add_row(
            row["name"], ", ".join(row["events"]), str(row["partitions"]), hours, row["pii"], row["owner"], there
        )
    Console().print(table)


def _there(wanted: int, found: int | None) -> str:
    if found is None:
        return "NO: run `sluice topics apply`"
    return "yes" if found == wanted else f"NO: it has {found} partitions"


@commands.command("apply")
def apply_topics() -> None:
    """Create the topics that are missing."""
    settings = load_settings()
    try:
        made = KafkaAdmin(connection(settings, "admin")).apply(catalogue().values(), settings.replication_factor)
    except Unavailable as error:
        leave(ExitCode.MISSING, str(error))
    typer.echo(f"created: {', '.join(made)}" if made else "all topics are there")


def lag(
    watch: Annotated[bool, typer.Option("--watch", help="Again every two seconds, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """How far each consumer group is behind, in records and in seconds."""
    admin = KafkaAdmin(connection(load_settings(), "operator"))
    try:
        if as_json:
            sys.stdout.write(json.dumps([asdict(row) for row in _rows(admin)]) + "\n")
        elif watch:
            with Live(lag_table(_rows(admin)), auto_refresh=False) as live:
                while True:
                    time.sleep(_WATCH_SECONDS)
                    live.update(lag_table(_rows(admin)), refresh=True)
        else:
            Console().print(lag_table(_rows(admin)))
    except Unavailable as error:
        leave(ExitCode.MISSING, str(error))
    except KeyboardInterrupt:
        raise typer.Exit(int(ExitCode.DONE)) from None


def _rows(admin: KafkaAdmin) -> list[PartitionLag]:
    return lag_of(admin, catalogue(), int(utc_now().timestamp() * 1000))


def lag_table(rows: list[PartitionLag]) -> Table:
    """One line a group and topic: the sum of its partitions and the oldest record waiting."""
    table = Table("group", "topic", "partitions", "lag", "seconds", "state")
    for group, topic in sorted({(row.group, row.topic) for row in rows}):
        own = [row for row in rows if (row.group, row.topic) == (group, topic)]
        seconds = max((row.lag_seconds or 0.0) if row.lag else 0.0 for row in own)
        total = sum(row.lag for row in own)
        table.add_row(group, topic, str(len(own)), str(total), f"{seconds:.1f}", own[0].state)
    return table
