"""Commands of the platform on one machine."""

import shutil
import sys
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.table import Table

from sluice.cli.leaving import ExitCode, leave
from sluice.clock import utc_now
from sluice.errors import ConfigurationError, Unavailable
from sluice.kafka_access import connection
from sluice.kafka_admin import KafkaAdmin, lag
from sluice.paths import checkout
from sluice.settings import load_settings
from sluice.topics import catalogue

commands = typer.Typer(no_args_is_help=True)
_MEGABYTE = 1_000_000


@commands.command()
def up() -> None:
    """Start the whole platform on this machine."""
    from local.up import Up  # noqa: PLC0415 (needs the `local` extra)

    try:
        Up(load_settings(), Console())()
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))


@commands.command("connect-up")
def connect_up() -> None:
    """Run Kafka Connect on this machine, with connectors to Iceberg and PostgreSQL, until Ctrl-C."""
    from local.connect.command import run  # noqa: PLC0415

    try:
        run(load_settings(), Console())
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))


@commands.command()
def down() -> None:
    """Stop the platform. Data stays."""
    from local.processes import ProcessManager  # noqa: PLC0415

    manager = ProcessManager(load_settings())
    if not manager.running():
        typer.echo("Sluice is not running.")
        return
    try:
        with Console().status("stopping ..."):
            manager.shut_down()
    except ConfigurationError as error:
        leave(ExitCode.NO, str(error))
    typer.echo("Sluice is down. `make up` finds every conversation again.")


@commands.command()
def status() -> None:
    """One line per process."""
    from local.processes import RUNNING, ProcessManager  # noqa: PLC0415
    from local.refusals import refusals  # noqa: PLC0415

    settings = load_settings()
    manager = ProcessManager(settings)
    if not manager.running():
        leave(ExitCode.NO, "Sluice is not running. Start it with `make up`.")
    try:
        rows = lag(KafkaAdmin(connection(settings, "operator")), catalogue(), int(utc_now().timestamp() * 1000))
    except (ConfigurationError, Unavailable):
        rows = []
    table = Table("process", "state", "pid", "uptime", "memory", "lag")
    states = manager.states()
    for state in states:
        group = {"landing": "landing", "steward": "steward"}.get(state.name, f"sluice-{state.name}")
        own = [row.lag for row in rows if row.group == group]
        memory = f"{psutil.Process(state.pid).memory_info().rss / _MEGABYTE:.0f} MB" if state.pid else ""
        table.add_row(
            state.name,
            state.state,
            str(state.pid or ""),
            f"{state.uptime_seconds} s" if state.pid else "",
            memory,
            str(sum(own)) if own else "",
        )
    Console().print(table)
    for refusal in refusals(states, settings.logs_dir):
        typer.echo(refusal)
    if any(state.state != RUNNING for state in states):
        raise typer.Exit(int(ExitCode.NO))


@commands.command()
def clean(
    environments: Annotated[bool, typer.Option(help="Delete the environments too.")] = True,
) -> None:
    """Stop the platform and delete its data."""
    down()
    shutil.rmtree(load_settings().home, ignore_errors=True)
    if environments:
        for name in (".venv", ".venv-dbt", "gateway/web/node_modules", "gateway/web/dist"):
            shutil.rmtree(checkout() / name, ignore_errors=True)
    sys.stdout.write("clean\n")
