"""How a command ends. Scripts rely on these codes."""

import contextlib
import signal
import sys
from collections.abc import Iterator
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


@contextlib.contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the command as an exception does, so that what it has begun is ended, too."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
