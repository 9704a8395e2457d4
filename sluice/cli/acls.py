"""`sluice topics acls`."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from sluice.access_admin import AccessAdmin, Difference, words_of
from sluice.cli import audit
from sluice.cli.leaving import ExitCode, leave
from sluice.errors import ConfigurationError, Unavailable
from sluice.grants import Grant, grants
from sluice.kafka_access import connection, user_of
from sluice.key_files import make_passwords, password_file, read_key_file
from sluice.settings import Settings, load_settings
from sluice.topics import principals


def acls(
    apply: Annotated[bool, typer.Option("--apply", help="Put it in force; take away what is granted no more.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what --apply would do; 1 where it would do anything.")
    ] = False,
    users: Annotated[
        bool, typer.Option("--users", help="With --apply: make the users too, with the passwords of the key files.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """Who may do what at Kafka, as avro/topics.yaml says. Without options it only shows."""
    if users and not apply:
        leave(ExitCode.USAGE, "--users needs --apply.")
    if not (apply or dry_run):
        _show(sorted(grants()), as_json)
        return
    settings = load_settings()
    try:
        admin = AccessAdmin(connection(settings, "admin"))
        difference = admin.difference(grants())
        if not dry_run:
            if users:
                _make_users(settings, admin)
            admin.apply_access(difference)
    except Unavailable as error:
        leave(ExitCode.MISSING, str(error))
    _tell(difference, as_json, dry_run)
    if difference and not dry_run:
        _mark(settings, difference)
    if dry_run and difference:
        raise typer.Exit(int(ExitCode.NO))


def _mark(settings: Settings, difference: Difference) -> None:
    changed = f"{len(difference.missing)} rights given, {len(difference.surplus)} taken away"
    try:
        audit.mark(settings, "access.change", "allowed", changed)
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, f"This is in force, but the audit log has no mark of it: {error}")


def _make_users(settings: Settings, admin: AccessAdmin) -> None:
    make_passwords(settings.keys_dir, principals())
    passwords = {name: read_key_file(settings.keys_dir, password_file(name)).decode() for name in principals()}
    admin.set_passwords(passwords)


def _show(found: list[Grant], as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) | {"user": user_of(one.principal)} for one in found]) + "\n")
        return
    table = Table(Column("user", no_wrap=True), "on", Column("name", overflow="fold"), "may")
    for who, resource, name in sorted({(one.principal, one.resource, one.name) for one in found}):
        may = [one.operation for one in found if (one.principal, one.resource, one.name) == (who, resource, name)]
        table.add_row(user_of(who), resource, name, ", ".join(sorted(may)))
    Console().print(table)


def _tell(difference: Difference, as_json: bool, dry_run: bool) -> None:
    added, removed, foreign = (
        [words_of(one) for one in some] for some in (difference.missing, difference.surplus, difference.foreign)
    )
    if as_json:
        document = {"added": added, "removed": removed, "foreign": foreign, "applied": not dry_run}
        sys.stdout.write(json.dumps(document) + "\n")
        return
    for sign, lines in (("+", added), ("-", removed), ("?", foreign)):
        for line in lines:
            typer.echo(f"{sign} {line}")
    would = "would be " if dry_run else ""
    typer.echo(f"{len(added)} {would}added, {len(removed)} {would}removed" if difference else "all is as it should be")
    if foreign:
        typer.echo(f"{len(foreign)} (?) are of users that are not Sluice's. They stay; look whether they should.")
