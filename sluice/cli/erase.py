"""`sluice erase`."""

import json
import sys
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from sluice import wiring
from sluice.cli import audit
from sluice.cli.leaving import ExitCode, leave
from sluice.cli.people import Subject, user_of
from sluice.clock import utc_now
from sluice.erasure_log import ErasureLog, requested
from sluice.errors import ConfigurationError, Unavailable
from sluice.events import ErasureCompleted
from sluice.kafka_access import ADMIN_GROUP, connection
from sluice.key_files import CONNECT_FOLDER, POSTGRES_PASSWORD
from sluice.settings import Settings, load_settings


def erase(
    subject: Subject,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. It cannot be taken back.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until it is done.")] = 180.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """Erase a person: keys, running turns, conversations, dead letters, landed rows and the warehouse.

    The steward does it, whatever becomes of this command. It may be repeated, and the person may come back.
    """
    try:
        settings = load_settings()
        user_id = user_of(settings, subject)
        if not yes:
            typer.confirm(f"Erase everything of {user_id}? It cannot be taken back.", abort=True, err=True)
        log = ErasureLog(connection(settings, "admin"), ADMIN_GROUP, wiring.codec(settings))
        request = requested(user_id, audit.operator(settings), utc_now())
        audit.mark(settings, "data.erase", "allowed", "requested", user_id)
        start = log.request(request)
        with Console(stderr=True).status("erasing ...") as status:
            done = log.completion(
                request.event_id, start, wait, lambda passed: status.update(f"erasing ... {passed:.0f} s")
            )
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    if done is None:
        leave(
            ExitCode.NO,
            f"{user_id} is not erased yet. The request is on the log and will be carried out when what it needs is "
            "there: see `make status` and logs/steward.log.",
        )
    if as_json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(done)) + "\n")
    else:
        typer.echo(_said(done))
    for store, guide in _beyond_reach(settings):
        typer.echo(f"{store} still have {user_id}: take those rows out, see docs/how-to/{guide}.", err=True)


def _said(done: ErasureCompleted) -> str:
    until = f"{done.erased_at:%Y-%m-%d %H:%M:%S} UTC"
    if not (done.keys or done.rows or done.letters or done.turns_stopped):
        return (
            f"Nothing was there of {done.user_id} until {until}: nothing was ever said under this name, "
            "or it is erased already. If you expected something, compare the name with `sluice audit list`."
        )
    return (
        f"{done.user_id} is erased, as far as they wrote until {until}: "
        f"{done.keys} keys, {done.rows} landed rows, {done.letters} dead letters, {done.turns_stopped} running turns. "
        "Redacted text stays on the log until its retention ends, see docs/how-to/erase-and-export.md."
    )


def _beyond_reach(settings: Settings) -> list[tuple[str, str]]:
    """Stores in use that have names after an erasure, with what to read."""
    connect = (settings.keys_dir / CONNECT_FOLDER / POSTGRES_PASSWORD).exists()
    return [
        *([("Tables of Kafka Connect", "past-one-machine.md")] if connect else []),
        *([("Tables in BigQuery", "land-in-bigquery.md")] if settings.bigquery_project else []),
    ]
