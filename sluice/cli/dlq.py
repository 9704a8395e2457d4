"""`sluice dlq`."""

import contextlib
import json
import sys
from collections import Counter
from typing import Annotated, Any

import msgspec
import typer
from confluent_kafka import Consumer, TopicPartition
from rich.console import Console
from rich.table import Column, Table

from sluice import wiring
from sluice.cli.leaving import ExitCode, leave
from sluice.errors import ConfigurationError, Rejected, Unavailable
from sluice.events import DeadLetter
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import consumer_config
from sluice.key_files import read_key_file
from sluice.letter_box import PRIVATE_FILE
from sluice.redrive import redrive
from sluice.settings import load_settings
from sluice.topics import DEAD_LETTER_SUFFIX, catalogue

commands = typer.Typer(no_args_is_help=True)
_SILENCE_SECONDS = 10.0


@commands.command("list")
def list_letters(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """What was put away, why, and where it came from."""
    try:
        letters = [_shown(letter) for letter in _letters()]
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


@commands.command("show")
def show_letter(event_id: Annotated[str, typer.Argument(help="Of the letter, as `list --json` gives it.")]) -> None:
    """All that is known of one letter, as JSON. Its bytes stay sealed."""
    try:
        found = [letter for letter in _letters() if letter.event_id == event_id]
    except Unavailable as error:
        leave(ExitCode.MISSING, str(error))
    if not found:
        leave(ExitCode.NO, f"There is no dead letter {event_id}. `sluice dlq list --json` shows all.")
    typer.echo(json.dumps(_shown(found[0]), indent=2))


@commands.command("redrive")
def redrive_letters(
    event_ids: Annotated[list[str] | None, typer.Argument(help="Letters to put back.")] = None,
    topic: Annotated[str | None, typer.Option(help="All letters that came from this topic.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All letters.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """Put records back into the partitions they came from, each at most once. Mend the cause first."""
    if not (event_ids or topic or every):
        leave(ExitCode.USAGE, "Say which: ids, --topic TOPIC or --all. `sluice dlq list --json` shows them.")
    settings = load_settings()
    try:
        private_key = read_key_file(settings.keys_dir, PRIVATE_FILE)
        letters = [x for x in _letters() if every or x.event_id in (event_ids or ()) or x.origin_topic == topic]
        results = redrive(letters, settings.bootstrap_servers, private_key)
    except (Unavailable, ConfigurationError) as error:
        leave(ExitCode.MISSING, str(error))
    missing = set(event_ids or ()) - {letter.event_id for letter in letters}
    if as_json:
        rows = [_shown(result.letter) | {"outcome": result.outcome} for result in results]
        sys.stdout.write(json.dumps({"letters": rows, "unknown": sorted(missing)}) + "\n")
    else:
        for result in results:
            letter = result.letter
            where = f"{letter.origin_topic}/{letter.origin_partition}@{letter.origin_offset}"
            typer.echo(f"{result.outcome:17}{where}  {letter.reason}  {letter.event_id}")
        counts = Counter(result.outcome for result in results)
        typer.echo(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "nothing to put back")
        for event_id in sorted(missing):
            typer.echo(f"no dead letter {event_id}", err=True)
    if missing or any(result.outcome in ("has no bytes", "cannot be opened") for result in results):
        raise typer.Exit(ExitCode.NO)


def _letters() -> list[DeadLetter]:
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
    letters: list[DeadLetter] = []
    while left:
        message = reader.poll(_SILENCE_SECONDS)
        if message is None:
            raise Unavailable("Kafka stopped answering while the dead letters were read.")
        place = (str(message.topic()), int(message.partition() or 0))
        if message.error() is not None or int(message.offset() or 0) + 1 >= left.get(place, 0):
            left.pop(place, None)
        with contextlib.suppress(Rejected):
            event = codec.decode(message.value()) if message.error() is None else None
            if isinstance(event, DeadLetter):  # a topic of dead letters can hold a bad record too: it is passed over
                letters.append(event)
    reader.close()
    return sorted({letter.event_id: letter for letter in letters}.values(), key=lambda letter: letter.occurred_at)


def _shown(letter: DeadLetter) -> dict[str, Any]:
    """The letter without its sealed bytes."""
    fields: dict[str, Any] = msgspec.to_builtins(letter)
    del fields["key"], fields["value"]
    return fields | {"sealed_bytes": len(letter.value or b"")}
