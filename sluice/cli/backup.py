"""`sluice backup` and `sluice restore`."""

from pathlib import Path
from typing import Annotated

import typer

from sluice import wiring
from sluice.audit import Mark
from sluice.backup import back_up
from sluice.backup import restore as restore_from
from sluice.backup_check import KEYS
from sluice.cli import audit
from sluice.cli.leaving import ExitCode, leave
from sluice.errors import ConfigurationError, Unavailable
from sluice.key_wrapping import FileWrapper
from sluice.settings import load_settings


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder. It will hold keys: keep it from others.")],
) -> None:
    """Copy keys, landed files and the warehouse, while everything runs. The log has its own copies."""
    try:
        settings = load_settings()
        if not settings.key_store_path.exists():
            leave(ExitCode.MISSING, f"There are no keys in {settings.keys_dir}: `make up` makes them.")
        stores = wiring.key_store(settings), wiring.api_keys(settings)
        back_up(
            settings,
            *stores,
            folder.absolute(),
            lambda what: typer.echo(f"{what} ..."),
            lambda: audit.mark_or_owe(settings, "data.backup", "allowed"),
        )
    except ConfigurationError as error:
        leave(ExitCode.MISSING, str(error))
    typer.echo(f"Backed up to {folder}. Restore it with `sluice restore {folder}` into a new SLUICE_HOME.")


def restore(
    folder: Annotated[Path, typer.Argument(help="What `sluice backup` made.")],
    with_unusable_keys: Annotated[
        bool, typer.Option("--with-unusable-keys", help="Also where some people's keys cannot be unwrapped.")
    ] = False,
) -> None:
    """Put a backup into a home that was never started. It is checked first; what is not whole is refused.

    Who was erased since is erased again at the next start, and keys that were revoked since are revoked again.
    """
    try:
        settings, source = load_settings(), folder.absolute()
        in_files = settings.key_encryption == "file"
        wrapper = FileWrapper(source / KEYS) if in_files else wiring.key_wrapper(settings)
        restore_from(
            settings,
            source,
            wrapper,
            lambda what: typer.echo(f"{what} ..."),
            lambda: audit.owe(settings, Mark(audit.operator(settings, source / KEYS), "data.restore", "allowed")),
            with_unusable=with_unusable_keys,
        )
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    typer.echo("Restored. `make up` goes on from here.")
