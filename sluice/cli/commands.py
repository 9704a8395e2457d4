"""The commands every installation has."""

import typer

from sluice.cli import api_keys, audit, backup, certs, dlq, doctor, erase, fuse, keys, retention, schemas, token, topics
from sluice.cli import chat as chat_command

commands = typer.Typer(no_args_is_help=True)
commands.command("chat")(chat_command.chat)
commands.command("certs")(certs.certs)
commands.command("lag")(topics.lag)
commands.command("token")(token.token)
commands.command("doctor")(doctor.doctor)
commands.command("erase")(erase.erase)
commands.command("backup")(backup.backup)
commands.command("restore")(backup.restore)
commands.command("retention")(retention.retention)
commands.add_typer(topics.commands, name="topics", help="The topics of the catalogue.")
commands.add_typer(api_keys.commands, name="api-keys", help="Keys of machines that use the gateway.")
commands.add_typer(audit.commands, name="audit", help="Who did what to whom.")
commands.add_typer(dlq.commands, name="dlq", help="Records that could not be used.")
commands.add_typer(fuse.commands, name="fuse", help="Stages that put too much away.")
commands.add_typer(keys.commands, name="keys", help="Keys of people, and what wraps them.")
commands.add_typer(schemas.commands, name="schemas", help="The schemas of the events.")
