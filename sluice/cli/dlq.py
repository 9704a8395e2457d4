"""`sluice dlq`."""

import contextlib
import json
import sys
from typing import Annotated, Any

import msgspec
import typer
from confluent_kafka import Consumer, TopicPartition
from rich.console import Console
from rich.table import Column, Table

from sluice import wiring
from sluice.cli.leaving import ExitCode, leave
from sluice.errors import Rejected, Unavailable
from sluice.events import DeadLetter, Event
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import consumer_config
from sluice.settings import load_settings
from sluice.topics import DEAD_LETTER_SUFFIX, catalogue

commands = typer.Typer(no_args_is_help=True)
_SILENCE_SECONDS = 10.0


@commands.callback()
def _group() -> None:
    """Keep `list` a sub-command."""


@commands.command("list")
def list_letters(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """What was put away, why, and where it came from."""
    try:
        letters = _letters()
    except Unavailable as error:
        leave(ExitCode.MISSING, str(error))
    if as_json:
        sys.stdout.write(json.dumps(letters) + "\n")
        return
    if not letters:
        typer.echo("no dead letters")
        return
    table = Table("when", "origin", Column("reason", no_wrap=True), "detail", "group", "bytes")
    for letter in letters:
        origin = f"{letter['origin_topic']}/{letter['origin_partition']}@{letter['origin_offset']}"
        table.add_row(
            letter["occurred_at"][:19],
            origin,
            letter["reason"],
            letter["detail"],
            letter["consumer_group"],
            str(letter["sealed_bytes"]),
        )
    Console().print(table)


def _letters() -> list[dict[str, Any]]:
    settings = load_settings()
    codec = wiring.codec(settings)
    admin = KafkaAdmin(settings.bootstrap_servers)
    existing = admin.partitions()
    ends = admin.ends({name: 1 for name in catalogue() if name.endswith(DEAD_LETTER_SUFFIX) and name in existing})
    left = {place: end for place, end in ends.items() if end}
    reader = Consumer(
        consumer_config(settings.bootstrap_servers, "sluice-dlq", "sluice-dlq", {"enable.partition.eof": True})
    )
    reader.assign([TopicPartition(topic, partition, 0) for topic, partition in left])
    letters: list[dict[str, Any]] = []
    while left:
        message = reader.poll(_SILENCE_SECONDS)
        if message is None:
            raise Unavailable("Kafka stopped answering while the dead letters were read.")
        place = (str(message.topic()), int(message.partition() or 0))
        if message.error() is not None or int(message.offset() or 0) + 1 >= left.get(place, 0):
            left.pop(place, None)
        with contextlib.suppress(Rejected):
            letters += _shown(codec.decode(message.value())) if message.error() is None else []
    reader.close()
    return sorted(letters, key=lambda letter: str(letter["occurred_at"]))


def _shown(letter: Event) -> list[dict[str, Any]]:
    """The letter without its sealed bytes. A topic of dead letters can hold a bad record too: it is passed over."""
    if not isinstance(letter, DeadLetter):
        return []
    fields: dict[str, Any] = msgspec.to_builtins(letter)
    del fields["key"], fields["value"]
    return [fields | {"sealed_bytes": len(letter.value or b"")}]
