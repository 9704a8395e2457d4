"""`sluice fuse`."""

from enum import StrEnum
from typing import Annotated

import typer

from sluice import burnt_fuse
from sluice.cli.leaving import ExitCode, leave
from sluice.settings import load_settings

commands = typer.Typer(no_args_is_help=True)


class Stage(StrEnum):
    """Processes that have a fuse."""

    ENRICH = "enrich"
    REDACT = "redact"
    RESPOND = "respond"


@commands.command("reset")
def reset(stage: Annotated[Stage, typer.Argument(help="Its instances on this machine may start again.")]) -> None:
    """Let a stage start again that put too much away. Mend the cause first."""
    cleared = [burnt_fuse.reset(folder) for folder in load_settings().states_of(stage.value)]
    if not any(cleared):
        leave(ExitCode.NO, f"No fuse of {stage} has burnt on this machine.")
    typer.echo(f"{stage} may start again: `make up`, or by its process manager.")


@commands.callback()
def _group() -> None:
    """Keep `reset` a sub-command."""
