"""`sluice schemas`."""

import typer

from sluice.paths import data_folder
from sluice.schema_ids import lock

commands = typer.Typer(no_args_is_help=True)


@commands.command("lock")
def lock_command() -> None:
    """Give new schemas a number in the lock file."""
    added = lock(data_folder("avro") / "schema-ids.lock.json")
    typer.echo(f"added: {', '.join(added)}" if added else "nothing new")


@commands.callback()
def _group() -> None:
    """Keep `lock` a sub-command."""
