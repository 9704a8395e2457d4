"""How a command ends. Scripts rely on these codes."""

from enum import IntEnum
from typing import NoReturn

import typer


class ExitCode(IntEnum):
    """0 done; 1 the answer is "no"; 2 wrong use; 3 something it needs is not there."""

    DONE = 0
    NO = 1
    USAGE = 2
    MISSING = 3


def leave(code: ExitCode, message: str) -> NoReturn:
    """Say why on standard error, and what to do next, and end."""
    typer.echo(message, err=True)
    raise typer.Exit(int(code))
