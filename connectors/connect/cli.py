"""`sluice connect`."""

import json
import os
import signal
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sluice.cli.leaving import ExitCode, leave
from sluice.errors import ConfigurationError, Unavailable
from sluice.paths import data_folder
from sluice.settings import Settings, load_settings

commands = typer.Typer(no_args_is_help=True)
_Tasks = Annotated[int, typer.Option(min=1, help="Tasks of each connector, shared among workers.")]
_AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")]


@commands.command()
def render(folder: Annotated[Path, typer.Argument(help="Is made.")], tasks: _Tasks = 1) -> None:
    """Write the configurations of worker and connectors, for a Kafka Connect of your own."""
    from connectors.connect.places import places_of  # noqa: PLC0415 (slow to import)
    from connectors.connect.sinks import SINKS, connectors, properties, worker  # noqa: PLC0415

    settings = load_settings()
    try:
        places = places_of(settings)
    except ConfigurationError as error:
        leave(ExitCode.USAGE, str(error))
    folder.mkdir(parents=True, exist_ok=True)
    at, copies = settings.bootstrap_servers, settings.replication_factor
    own = worker(at, settings.connect_port, Path("plugins"), places.secrets, copies)
    (folder / "worker.properties").write_text(properties(own))
    found = connectors(places, tuple(SINKS), tasks)
    for name, config in found.items():
        (folder / f"{name}.json").write_text(json.dumps({"name": name, "config": config}, indent=2) + "\n")
    typer.echo(f"worker.properties and {len(found)} connectors in {folder}. BigQuery's were never run.")


@commands.command()
def apply(tasks: _Tasks = 1) -> None:
    """Make topics and tables that are missing, and give the connectors of Iceberg and PostgreSQL to the workers."""
    from connectors.connect.applying import apply_all  # noqa: PLC0415

    try:
        names = apply_all(load_settings(), tasks)
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    typer.echo(f"{len(names)} connectors: {', '.join(names)}")


@commands.command()
def status(as_json: _AsJson = False) -> None:
    """What each connector does."""
    from connectors.connect.rest import ConnectRest  # noqa: PLC0415

    try:
        with closing(ConnectRest(load_settings().connect_rest)) as rest:
            states = rest.states()
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    if as_json:
        listed = [{"name": one.name, "states": one.states, "reason": one.reason} for one in states]
        sys.stdout.write(json.dumps(listed) + "\n")
    else:
        table = Table("connector", "connector and tasks", "reason")
        for one in states:
            table.add_row(one.name, " ".join(one.states), one.reason)
        Console().print(table)
    if not states or any(one.failed for one in states):
        raise typer.Exit(int(ExitCode.NO))


@commands.command("warehouse")
def build_warehouse() -> None:
    """Build the star schema from the Iceberg tables, and test it. The one from the landing zone stays beside it."""
    from connectors.connect.places import places_of  # noqa: PLC0415
    from connectors.connect.preparing import lakehouse  # noqa: PLC0415
    from connectors.connect.tables import landed_tables  # noqa: PLC0415
    from connectors.connect.warehouse import IcebergWarehouse, hand_out  # noqa: PLC0415
    from connectors.warehouse.cli import dbt_program  # noqa: PLC0415

    settings, console = load_settings(), Console(highlight=False, soft_wrap=True)
    path = settings.warehouse_path.with_name("iceberg") / settings.warehouse_path.name
    house = IcebergWarehouse(path, data_folder("dbt"), dbt_program(), os.environ)  # noqa: TID251 (handed to dbt)
    try:
        with console.status("Iceberg tables ...") as status, closing(lakehouse(places_of(settings))) as catalog:
            tables = path.parent / "tables"
            hand_out(catalog, landed_tables(), tables)
            wrong = house.build(tables, lambda line: status.update(f"dbt: {line}"))
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    for sentence in wrong:
        console.print(sentence, markup=False)
    if wrong:
        leave(ExitCode.NO, "The one in use stays as it was.")
    console.print(f"Built from Iceberg tables: {path}")


@commands.command()
def watch() -> None:
    """Restart what fails, and make dead letters of what was put away, until Ctrl-C. One process of a platform."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        keep_watch(load_settings(), stopping)
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))


def keep_watch(settings: Settings, stopping: threading.Event) -> None:
    """Until told to stop. Raises ConfigurationError or Unavailable where it cannot begin."""
    from confluent_kafka import Consumer  # noqa: PLC0415

    from connectors.connect.letters import GROUP, RawLetters  # noqa: PLC0415
    from connectors.connect.rest import ConnectRest  # noqa: PLC0415
    from connectors.connect.sinks import LETTERS_TOPIC  # noqa: PLC0415
    from connectors.connect.watch import Watch  # noqa: PLC0415
    from connectors.rejections import KafkaDeadLetters  # noqa: PLC0415
    from sluice import wiring  # noqa: PLC0415
    from sluice.clock import utc_now  # noqa: PLC0415
    from sluice.dead_letters import DeadLetters  # noqa: PLC0415
    from sluice.kafka_access import connection  # noqa: PLC0415
    from sluice.kafka_admin import KafkaAdmin  # noqa: PLC0415
    from sluice.kafka_config import consumer_config  # noqa: PLC0415
    from sluice.key_files import read_key_file  # noqa: PLC0415
    from sluice.letter_box import PUBLIC_FILE  # noqa: PLC0415
    from sluice.logs import get_logger  # noqa: PLC0415

    kafka = connection(settings, "connectors")
    letters = DeadLetters(
        wiring.resolved_codec(settings), read_key_file(settings.keys_dir, PUBLIC_FILE), GROUP, utc_now
    )
    consumer = Consumer(consumer_config(kafka, "sluice-connect-watch", f"{GROUP}-letters"))
    consumer.subscribe([LETTERS_TOPIC])
    try:
        with closing(ConnectRest(settings.connect_rest)) as rest:
            raw = RawLetters(consumer, KafkaDeadLetters(kafka, letters), KafkaAdmin(kafka))
            Watch(rest, raw, get_logger(), time.monotonic).run(stopping)
    finally:
        consumer.close()
