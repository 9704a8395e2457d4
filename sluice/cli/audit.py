"""`sluice audit`."""

import json
import sys
from datetime import timedelta
from getpass import getuser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from sluice import wiring
from sluice.audit import Action, Mark, Outcome
from sluice.audit_anchor import FILE, Doubt
from sluice.audit_log import TOPIC
from sluice.cli.leaving import ExitCode, leave
from sluice.clock import utc_now
from sluice.errors import ConfigurationError, Unavailable
from sluice.events import AuditRecorded
from sluice.ids import pseudonym
from sluice.kafka_access import connection
from sluice.kafka_admin import KafkaAdmin
from sluice.key_files import PSEUDONYM_KEY, read_key_file
from sluice.owed_marks import OwedMarks
from sluice.settings import Settings, load_settings
from sluice.topics import catalogue

commands = typer.Typer(no_args_is_help=True)
_LOOK_SECONDS = 4.0
DOUBTS: dict[Doubt, str] = {
    "anchor missing": f"{FILE} is not beside the keys, and this log is not new.",
    "anchor unreadable": f"{FILE} beside the keys cannot be read.",
    "anchor begun late": f"{FILE} was lost and begun anew, and knows nothing of before.",
}
_COMPARE = (
    "Whether records were cut off at the beginning or the end cannot be said here. Put the file back from a backup, or "
    "compare with what has landed (access_review.last_place) and run `sluice audit remember`."
)


def mark(
    settings: Settings, action: Action, outcome: Outcome, reason: str | None = None, subject_id: str | None = None
) -> None:
    """Leave the mark of whoever runs this command, before what it does. Raises Unavailable or ConfigurationError."""
    wiring.audit_log(settings, "admin").append([Mark(operator(settings), action, outcome, reason, subject_id)])


def mark_or_owe(settings: Settings, action: Action, outcome: Outcome, reason: str | None = None) -> None:
    """The same of what must not wait for Kafka: where it does not answer, the steward puts the mark into the log later.

    Raises ConfigurationError where neither can be.
    """
    made = Mark(operator(settings), action, outcome, reason)
    try:
        KafkaAdmin(connection(settings, "admin")).partitions(_LOOK_SECONDS)
        wiring.audit_log(settings, "admin").append([made])
    except (ConfigurationError, Unavailable):
        owe(settings, made)


def owe(settings: Settings, made: Mark) -> None:
    """Leave a mark on the disk, for the steward to put into the log. Raises ConfigurationError."""
    OwedMarks(settings.marks_dir).note(made, utc_now())


def operator(settings: Settings, keys: Path | None = None) -> str:
    """The pseudonym of whoever runs this command, by this platform's keys or those of a folder.

    Raises ConfigurationError.
    """
    return pseudonym(f"operator:{getuser()}", read_key_file(keys or settings.keys_dir, PSEUDONYM_KEY))


@commands.command("list")
def list_records(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """Who did what to whom, and how it ended. Pseudonyms only."""
    _settings, records = _read()
    if as_json:
        sys.stdout.write(json.dumps([_shown(offset, record) for offset, record in records]) + "\n")
        return
    table = Table("when", "who", Column("what", no_wrap=True), "whom", "outcome", "why", "times")
    for _, record in records:
        when, times = f"{record.occurred_at:%Y-%m-%d %H:%M:%S}", str(record.times)
        whom, why = record.subject_id or "", record.reason or ""
        table.add_row(when, record.actor_id, record.action, whom, record.outcome, why, times)
    Console().print(table)


@commands.command("verify")
def verify(as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False) -> None:
    """Whether every record is there, unchanged and in its place. Exits with 1 where one is not, or nobody can say.

    What was cut off at either end is known by the first record of each day and the last one, which this machine
    remembers beside its keys (audit.anchor). With a new Kafka that file has to go; where it was lost, see
    `sluice audit remember`.
    """
    try:
        settings = load_settings()
        hours = catalogue()[TOPIC].retention_hours
        records, found, doubt = wiring.audit_log(settings, "operator").verify(timedelta(hours=hours))
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    places = [record.place for record in records if record.seal]
    if as_json:
        document = {
            "records": len(records),
            "first_place": places[0] if places else None,
            "last_place": places[-1] if places else None,
            "broken": [{"offset": one.offset, "place": one.place, "what": one.what} for one in found],
            "ends_unknown": doubt,
        }
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        for one in found:
            typer.echo(f"{f'offset {one.offset}, ' if one.offset >= 0 else ''}place {one.place}: {one.what}")
        whole = f" from place {places[0]} to {places[-1]}" if places else ""
        if doubt is not None:
            typer.echo(f"ends unknown, {doubt}: {DOUBTS[doubt]} {_COMPARE}")
        typer.echo(f"{len(records)} records{whole}, {len(found)} broken{'' if doubt is None else ', ends unknown'}")
    if found or doubt is not None:
        raise typer.Exit(ExitCode.NO)


@commands.command("remember")
def remember() -> None:
    """Take the log as it is now for whole: where audit.anchor was lost, after comparing with what has landed.

    Leaves a mark. What was cut off before stays unknown to `sluice audit verify` from then on.
    """
    try:
        settings = load_settings()
        anew = Mark(operator(settings), "audit.remember", "allowed")
        wiring.audit_log(settings, "admin").remember(anew)
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    typer.echo("Remembered. What is cut off from now on is noticed.")


def _read() -> tuple[Settings, list[tuple[int, AuditRecorded]]]:
    try:
        settings = load_settings()
        return settings, list(wiring.audit_log(settings, "operator").records())
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))


def _shown(offset: int, record: AuditRecorded) -> dict[str, str | int | None]:
    return {
        "offset": offset,
        "place": record.place,
        "occurred_at": record.occurred_at.isoformat(),
        "actor_id": record.actor_id,
        "action": record.action,
        "subject_id": record.subject_id,
        "outcome": record.outcome,
        "reason": record.reason,
        "times": record.times,
    }
