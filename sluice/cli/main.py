"""`sluice`: gathers the commands of all installed packages."""

from importlib.metadata import entry_points

import typer

from sluice.cli.leaving import ExitCode
from sluice.errors import ConfigurationError

COMMAND_GROUP = "sluice.commands"


def build() -> typer.Typer:
    """The whole command line. A package whose extra is not installed adds nothing."""
    app = typer.Typer(
        help="Talk to a Sluice platform, look after it, follow a turn through it.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for entry in sorted(entry_points(group=COMMAND_GROUP), key=lambda e: e.name):
        try:
            commands = entry.load()
        except ModuleNotFoundError:
            continue
        app.add_typer(commands)
    return app


def main() -> None:
    """Entry point of the console script."""
    try:
        build()()
    except ConfigurationError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(int(ExitCode.MISSING)) from None
