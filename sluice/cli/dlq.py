"""`sluice dlq`."""

import json
import sys
from collections import Counter
from collections.abc import Collection
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from sluice import wiring
from sluice.cli import audit
from sluice.cli.leaving import ExitCode, leave
from sluice.dead_letter_topics import Held, read
from sluice.errors import ConfigurationError, Unavailable
from sluice.events import DeadLetter
from sluice.kafka_access import connection
from sluice.key_files import read_key_file
from sluice.letter_box import PRIVATE_FILE
from sluice.redrive import redrive
from sluice.settings import load_settings

commands = typer.Typer(no_args_is_help=True)


@commands.command("list")
def list_letters(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """What was put away, why, and where it came from."""
    try:
        held = _held()
    except Unavailable as error:
        leave(ExitCode.MISSING, str(error))
    letters = [_shown(letter, held.noted) for letter in held.letters]
    if as_json:
        sys.stdout.write(json.dumps(letters) + "\n")
        return
    if not letters:
        typer.echo("no dead letters")
        return
    table = Table("when", "origin", Column("reason", no_wrap=True), "detail", "group", "bytes", "back")
    for letter in letters:
        origin = f"{letter['origin_topic']}/{letter['origin_partition']}@{letter['origin_offset']}"
        table.add_row(
            letter["occurred_at"][:19],
            origin,
            letter["reason"],
            letter["detail"],
            letter["consumer_group"],
            str(letter["sealed_bytes"]),
            "yes" if letter["redriven"] else "",
        )
    Console().print(table)


@commands.command("show")
def show_letter(event_id: Annotated[str, typer.Argument(help="Of the letter, as `list --json` gives it.")]) -> None:
    """All that is known of one letter, as JSON. Its bytes stay sealed."""
    try:
        held = _held()
    except Unavailable as error:
        leave(ExitCode.MISSING, str(error))
    found = [letter for letter in held.letters if letter.event_id == event_id]
    if not found:
        leave(ExitCode.NO, f"There is no dead letter {event_id}. `sluice dlq list --json` shows all.")
    typer.echo(json.dumps(_shown(found[0], held.noted), indent=2))


@commands.command("redrive")
def redrive_letters(
    event_ids: Annotated[list[str] | None, typer.Argument(help="Letters to put back.")] = None,
    topic: Annotated[str | None, typer.Option(help="All letters that came from this topic.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All letters.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """Put records back into the partitions they came from, each once. Mend the cause first, and run one at a time."""
    if not (event_ids or topic or every):
        leave(ExitCode.USAGE, "Say which: ids, --topic TOPIC or --all. `sluice dlq list --json` shows them.")
    settings = load_settings()
    try:
        private_key = read_key_file(settings.keys_dir, PRIVATE_FILE)
        held = _held()
        letters = [x for x in held.letters if every or x.event_id in (event_ids or ()) or x.origin_topic == topic]
        if letters:
            audit.mark(settings, "dead_letters.redrive", "allowed", f"{len(letters)} letters")
        results = redrive(letters, held.noted, connection(settings, "admin"), private_key)
    except (Unavailable, ConfigurationError) as error:
        leave(ExitCode.MISSING, str(error))
    missing = set(event_ids or ()) - {letter.event_id for letter in letters}
    if as_json:
        back = {result.letter.event_id for result in results if result.outcome in ("put back", "was back already")}
        rows = [_shown(result.letter, back) | {"outcome": result.outcome} for result in results]
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
    if any(result.outcome == "not acknowledged" for result in results):
        leave(
            ExitCode.MISSING, "Kafka did not acknowledge every record. Run the command again: it looks for them first."
        )
    if missing or any(result.outcome in ("has no bytes", "cannot be opened") for result in results):
        raise typer.Exit(ExitCode.NO)


def _held() -> Held:
    settings = load_settings()
    return read(connection(settings, "operator"), wiring.codec(settings))


def _shown(letter: DeadLetter, redriven: Collection[str]) -> dict[str, Any]:
    """The letter without its sealed bytes."""
    fields: dict[str, Any] = msgspec.to_builtins(letter)
    del fields["key"], fields["value"]
    return fields | {"sealed_bytes": len(letter.value or b""), "redriven": letter.event_id in redriven}
