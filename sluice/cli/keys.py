"""`sluice keys`."""

import json
import sys
from typing import Annotated

import typer

from sluice import wiring
from sluice.cli import audit
from sluice.cli.leaving import ExitCode, leave
from sluice.cli.people import user_of
from sluice.errors import ConfigurationError, Unavailable
from sluice.key_wrapping import FileWrapper
from sluice.settings import load_settings

commands = typer.Typer(no_args_is_help=True)


@commands.command("status")
def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False) -> None:
    """How many people have keys here, and what wraps them."""
    try:
        settings = load_settings()
        subjects, keys = wiring.key_store(settings).count()
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    if as_json:
        found = {"people": subjects, "keys": keys, "wrapped_by": settings.key_encryption}
        sys.stdout.write(json.dumps(found) + "\n")
        return
    typer.echo(f"{keys} keys of {subjects} people in {settings.key_store_path}, wrapped by {settings.key_encryption}")


@commands.command("verify")
def verify(as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False) -> None:
    """Whether every key can be used. Exits with 1, and leaves a mark, where an entry was tampered with."""
    try:
        settings = load_settings()
        store = wiring.key_store(settings)
        found = [*store.unusable()]
        for person in sorted({subject for subject, _ in found}):
            audit.mark(settings, "keys.verify", "failed", "unusable", person)
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    if as_json:
        sys.stdout.write(json.dumps({"unusable": [{"person": who, "reason": why} for who, why in found]}) + "\n")
    else:
        for who, why in found:
            typer.echo(f"{who}: {why}. Restore the key store from a backup.")
        typer.echo(f"{store.count()[1]} keys, {len(found)} unusable")
    if found:
        raise typer.Exit(int(ExitCode.NO))


@commands.command("rotate")
def rotate(
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="[SUBJECT]", help="A person, by pseudonym (usr_...) or subject: a new data key for them only."
        ),
    ] = None,
) -> None:
    """Make a new key-encryption key and wrap everybody's keys anew; or a new data key for one person.

    Nothing has to stop, and what was sealed before stays readable. With Vault or AWS KMS, rotate the key there first.
    """
    try:
        settings = load_settings()
        store, wrapper = wiring.key_store(settings), wiring.key_wrapper(settings)
        if subject is not None:
            person = user_of(settings, subject)
            if not store.count_of(person):
                leave(ExitCode.NO, f"{person} has no key here, and needs none until they write something.")
            audit.mark(settings, "keys.rotate", "allowed", "a new data key", person)
            typer.echo(f"{person} has a new key, generation {store.rotate(person).generation}.")
            return
        older = _new_file(wrapper) if isinstance(wrapper, FileWrapper) else []
        done, unusable = store.rewrap(_tell)
        for number in () if unusable else older:  # what is restored from a backup may need them
            FileWrapper(settings.keys_dir).retire(number)
        told = f"{done} keys wrapped anew, {len(unusable)} unusable"
        audit.mark(settings, "keys.rotate", "failed" if unusable else "allowed", told)
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, f"{error} What was done is done: run it again.")
    typer.echo(f"{told}.")
    for who, why in unusable:
        typer.echo(f"{who}: {why}. Restore the key store from a backup.", err=True)
    if unusable:
        raise typer.Exit(int(ExitCode.NO))


def _new_file(wrapper: FileWrapper) -> list[int]:
    """Those that go now. The one before the new one stays until the next time: somebody may be wrapping with it."""
    *older, _last = [0, *wrapper.numbers]
    wrapper.rotate()
    return older


def _tell(number: int) -> None:
    if number % 1000 == 0:
        typer.echo(f"{number} keys so far", err=True)
