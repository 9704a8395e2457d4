"""`sluice schemas`."""

from itertools import chain

import typer

from sluice.cli.leaving import ExitCode, leave
from sluice.contracts import Contract, all_breaks, findings, rewritten
from sluice.errors import ConfigurationError, Unavailable
from sluice.paths import data_folder
from sluice.schema_digests import add_digests, digests
from sluice.schema_ids import LOCK_FILE, lock, released
from sluice.schema_registry import publish
from sluice.schemas import all_schemas
from sluice.settings import load_settings
from sluice.topics import compatibility_of_events

commands = typer.Typer(no_args_is_help=True)
_LOCK, _DIGESTS = "schema-ids.lock.json", "schema-digests.lock.json"


@commands.command("check")
def check() -> None:
    """Whether every schema may be released: no reader and no writer of a released version breaks, and nothing is
    missing that a version comes with. Exits with 1 where something is wrong.
    """
    contract = _contract()
    found = [*findings(contract)]
    for sentence in found:
        typer.echo(sentence, err=True)
    if found:
        raise typer.Exit(int(ExitCode.NO))
    typer.echo(f"{len(contract.schemas)} schemas, {len(contract.released)} released versions, nothing breaks")


@commands.command("publish")
def publish_command() -> None:
    """Register every released version with the registry of the settings, and set each subject's compatibility."""
    settings = load_settings()
    if settings.registry_url is None:
        leave(ExitCode.USAGE, "There is no registry. Set SLUICE_SCHEMA_REGISTRY_URL, or SLUICE_REGISTRY=local.")
    try:
        subjects = publish(settings.registry_url, released(LOCK_FILE), compatibility_of_events())
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    typer.echo(f"{subjects} subjects at {settings.registry_url}")


@commands.command("lock")
def lock_command() -> None:
    """Give new schemas a number in the lock file, and a digest each. Refuses what would break somebody."""
    contract = _contract()
    refused = [*sorted(rewritten(contract)), *chain.from_iterable(all_breaks(contract).values())]
    if refused:
        leave(ExitCode.NO, "\n".join(refused))
    avro = data_folder("avro")
    added = lock(avro / _LOCK)
    more = add_digests(avro / _DIGESTS, released(avro / _LOCK))
    typer.echo(f"added: {', '.join(added)}" if added else f"digests added: {more}" if more else "nothing new")
    if added:
        typer.echo("`sluice schemas check` says which example and which line of avro/CHANGELOG.md each needs.")


def _contract() -> Contract:
    avro = data_folder("avro")
    try:
        schemas, versions, written = all_schemas(), released(avro / _LOCK), digests(avro / _DIGESTS)
    except ConfigurationError as error:
        leave(ExitCode.NO, str(error))
    return Contract(
        schemas=schemas,
        released=versions,
        modes=compatibility_of_events(),
        examples=frozenset(path.name for path in (avro / "examples").glob("*")),
        changelog=(avro / "CHANGELOG.md").read_text(),
        digests=written,
        unlisted=frozenset(path.name for path in (avro / "schemas").glob("*")) - {f"{name}.avsc" for name in schemas},
    )
