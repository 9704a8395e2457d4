"""`sluice api-keys`."""

import json
import re
import sys
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table

from sluice import wiring
from sluice.api_keys import REVOKE, ApiKey, new_key
from sluice.bots import load_bots
from sluice.cli import audit
from sluice.cli.leaving import ExitCode, leave
from sluice.clock import utc_now
from sluice.errors import ConfigurationError, Unavailable
from sluice.key_files import PSEUDONYM_KEY, read_key_file
from sluice.settings import Settings, load_settings
from sluice.tokens import SCOPES, Scope

commands = typer.Typer(no_args_is_help=True)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_ALL_BOTS = "all"


@commands.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Of the machine, not of a person: it is shown in lists.")],
    scope: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(SCOPES)}; unless given: chat and read. May be given again.")
    ] = None,
    bot: Annotated[list[str] | None, typer.Option(help="Only this bot. May be given again.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is good.")] = 90,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """Make a key for a machine and print it, once: only its hash is kept."""
    scopes = scope or ["chat", "read"]
    if unknown := {*scopes} - {*SCOPES}:
        leave(ExitCode.USAGE, f"There is no scope {', '.join(sorted(unknown))}. There are {', '.join(SCOPES)}.")
    if not _NAME.fullmatch(name):
        leave(ExitCode.USAGE, "A name is 1 to 64 letters, digits, spaces, dots, _ and -, and begins with neither sign.")
    try:
        settings = load_settings()
        bots = load_bots(settings).by_name
        if bot is not None and (strange := {*bot} - {*bots}):
            leave(ExitCode.USAGE, f"There is no bot {', '.join(sorted(strange))}. There are {', '.join(bots)}.")
        text, key = new_key(name, cast(list[Scope], scopes), bot, utc_now(), days)
        shown = _shown(settings, key)
        audit.mark(settings, "api_keys.create", "allowed", " ".join(shown["scopes"]), shown["user_id"])
        wiring.api_keys(settings).add(key)
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    if as_json:
        sys.stdout.write(json.dumps(shown | {"key": text}) + "\n")
        return
    typer.echo(text)
    until = f"{key.expires_at:%Y-%m-%d}"
    typer.echo(
        f"Keep it now: it is not shown again. It ends on {until}, or by: sluice api-keys revoke {key.key_id}", err=True
    )


@commands.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """Keys of machines, never the secrets. Who is `user_id` in the audit log is found here."""
    try:
        settings = load_settings()
        keys = [_shown(settings, key) for key in wiring.api_keys(settings).listed()]
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    if as_json:
        sys.stdout.write(json.dumps(keys) + "\n")
        return
    table = Table("id", "name", "state", "scopes", "bots", "created", "expires", "last used", "user_id")
    for key in keys:
        table.add_row(
            *(key["id"], key["name"], key["state"], " ".join(key["scopes"]), " ".join(key["bots"] or [_ALL_BOTS])),
            *(key["created_at"][:10], key["expires_at"][:10], key["used_on"] or "never", key["user_id"]),
        )
    Console().print(table)


@commands.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="As `sluice api-keys list` shows it.")]) -> None:
    """End a key now, on all gateways of this machine; its open sockets are closed within seconds."""
    try:
        settings = load_settings()
        key = wiring.api_keys(settings).revoke(key_id, utc_now())
        if key is None:
            leave(ExitCode.NO, "There is no key of this id. `sluice api-keys list` shows them.")
        user_id = _shown(settings, key)["user_id"]
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    typer.echo(f"{key.key_id} ({key.name}) is revoked.")
    try:  # after it: a log that is away keeps no key alive
        audit.mark(settings, REVOKE, "allowed", subject_id=user_id)
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, f"The audit log does not know of it yet: {error} Run it again when the log is there.")


def _shown(settings: Settings, key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "name": key.name,
        "user_id": key.user_id(read_key_file(settings.keys_dir, PSEUDONYM_KEY)),
        "state": key.state(utc_now()),
        "scopes": [scope for scope in SCOPES if scope in key.scopes],
        "bots": None if key.bots is None else sorted(key.bots),
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at.isoformat(),
        "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
        "used_on": key.used_on and key.used_on.isoformat(),
    }
