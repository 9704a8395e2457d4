"""`sluice certs`."""

import json
import sys
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from sluice.certificates import AUTHORITY_FILE, Certificate, make_certificates
from sluice.cli.leaving import ExitCode, leave
from sluice.clock import utc_now
from sluice.errors import ConfigurationError
from sluice.settings import load_settings


def certs(
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Another name or address of this machine; may be given more than once."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """Make a development authority and a certificate for each process; renew what ends soon.

    What is good stays as it is. A process uses a renewed certificate from its next start.
    """
    settings, now = load_settings(), utc_now()
    try:
        found = make_certificates(settings.certs_dir, now, host or ())
    except ValueError as error:
        leave(ExitCode.USAGE, f"{error}.")
    except ConfigurationError as error:
        leave(ExitCode.MISSING, str(error))
    if as_json:
        sys.stdout.write(json.dumps([_document(one) for one in found]) + "\n")
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(found, now))
    console.print(
        f"Clients trust {settings.certs_dir / AUTHORITY_FILE}; keep ca.key from everybody else.", markup=False
    )
    if any(one.outcome == "renewed" for one in found):
        console.print("Renewed certificates count from the next start: `make down`, `make up`.")


def _document(one: Certificate) -> dict[str, object]:
    return {
        "name": one.name,
        "file": str(one.path),
        "hosts": one.hosts,
        "expires_at": one.expires_at.isoformat(),
        "outcome": one.outcome,
    }


def _table(found: list[Certificate], now: datetime) -> Table:
    table = Table(Column("certificate", no_wrap=True), "names", Column("good for", no_wrap=True), "")
    for one in found:
        days = (one.expires_at - now).days
        table.add_row(one.name, ", ".join(one.hosts), f"{days} days", one.outcome)
    return table
