"""`sluice token`."""

from typing import Annotated

import typer

from sluice.cli.chat import development_token
from sluice.settings import load_settings
from sluice.tokens import DEVELOPER


def token(
    subject: Annotated[str, typer.Option(help="Who the token is for.")] = DEVELOPER,
    seconds: Annotated[int, typer.Option(min=1, max=86_400, help="How long it is good.")] = 3600,
) -> None:
    """Print a development token, signed by this platform's key file."""
    typer.echo(development_token(load_settings(), subject, seconds))
