"""`sluice token`."""

from typing import Annotated

import typer

from sluice.cli.chat import development_token
from sluice.cli.leaving import ExitCode, leave
from sluice.settings import load_settings
from sluice.tokens import DEVELOPER, ROLES


def token(
    subject: Annotated[str, typer.Option(help="Who the token is for.")] = DEVELOPER,
    seconds: Annotated[int, typer.Option(min=1, max=86_400, help="How long it is good.")] = 3600,
    role: Annotated[
        list[str] | None, typer.Option(help=f"Beside user: {', '.join(sorted(ROLES))}. May be given more than once.")
    ] = None,
) -> None:
    """Print a development token, signed by this platform's key file."""
    roles = role or []
    if unknown := {*roles} - ROLES:
        leave(ExitCode.USAGE, f"There is no role {', '.join(sorted(unknown))}. There are {', '.join(sorted(ROLES))}.")
    typer.echo(development_token(load_settings(), subject, seconds, roles))
