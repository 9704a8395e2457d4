"""Whom a command is about."""

from typing import Annotated

import typer

from sluice.errors import ConfigurationError
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
    """The pseudonym. Raises ConfigurationError for what names nobody, or where the platform was never started."""
    if not subject.strip():
        raise ConfigurationError("Whom? Give a pseudonym (usr_...) or the subject of the person's tokens.")
    if subject.lower().startswith("usr_") and not is_pseudonym(subject):
        raise ConfigurationError(
            "That is almost a pseudonym, and nobody's: usr_ and 32 of the digits 0-9 and a-f. Copy it once more."
        )
    return subject if is_pseudonym(subject) else pseudonym(subject, read_key_file(settings.keys_dir, PSEUDONYM_KEY))
