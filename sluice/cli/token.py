"""`sluice token`."""

from typing import Annotated

import typer

from sluice.audit import Mark
from sluice.cli import audit
from sluice.cli.chat import development_token
from sluice.cli.leaving import ExitCode, leave
from sluice.ids import pseudonym
from sluice.key_files import PSEUDONYM_KEY, read_key_file
from sluice.settings import load_settings
from sluice.tokens import DEVELOPER, ROLES


def token(
    subject: Annotated[str, typer.Option(help="Who the token is for.")] = DEVELOPER,
    seconds: Annotated[int, typer.Option(min=1, max=86_400, help="How long it is good.")] = 3600,
    role: Annotated[
        list[str] | None, typer.Option(help=f"Beside user: {', '.join(sorted(ROLES))}. May be given more than once.")
    ] = None,
) -> None:
    """Print a development token, signed by this platform's key file. The steward puts its mark into the audit log."""
    roles = role or []
    if unknown := {*roles} - ROLES:
        leave(ExitCode.USAGE, f"There is no role {', '.join(sorted(unknown))}. There are {', '.join(sorted(ROLES))}.")
    settings = load_settings()
    whose = pseudonym(subject, read_key_file(settings.keys_dir, PSEUDONYM_KEY))
    signed = development_token(settings, subject, seconds, roles)
    audit.owe(settings, Mark(audit.operator(settings), "token.issue", "allowed", " ".join(["user", *roles]), whose))
    typer.echo(signed)
