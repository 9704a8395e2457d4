"""Whom a command is about."""

from typing import Annotated

import typer

from sluice.ids import is_pseudonym, pseudonym
from sluice.key_files import PSEUDONYM_KEY, read_key_file
from sluice.settings import Settings

Subject = Annotated[
    str,
    typer.Argument(
        metavar="SUBJECT",
        help="A pseudonym (usr_...), or the subject of the person's tokens; with an OpenID provider ISSUER|SUBJECT.",
    ),
]


def user_of(settings: Settings, subject: str) -> str:
    """The pseudonym. Raises ConfigurationError where the platform was never started."""
    return subject if is_pseudonym(subject) else pseudonym(subject, read_key_file(settings.keys_dir, PSEUDONYM_KEY))
