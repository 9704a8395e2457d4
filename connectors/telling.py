"""How far a long search is, on standard error."""

import time
from collections.abc import Callable

import typer

_QUIET_SECONDS = 1.0


def progress(what: str) -> Callable[[int], None]:
    """Says on standard error how far a search is, once it has taken a second; then every second."""
    last = time.monotonic()

    def say(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _QUIET_SECONDS:
            last = now
            typer.echo(f"{done} {what} ...", err=True)

    return say


def left_out(path: str, problem: str) -> None:
    """Names on standard error a landed file that nobody can read."""
    typer.echo(f"left out: {path}: {problem}", err=True)
