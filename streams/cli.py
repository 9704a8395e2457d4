"""Commands that need the stages' own knowledge."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from sluice import wiring
from sluice.cli.leaving import ExitCode, leave
from sluice.errors import ConfigurationError, Unavailable
from sluice.kafka_access import OPERATOR_GROUP, connection
from sluice.kafka_config import consumer_config
from sluice.settings import load_settings

if TYPE_CHECKING:
    from streams.prompt_search import PastPrompt

commands = typer.Typer(no_args_is_help=True)
prompt = typer.Typer(no_args_is_help=True, help="Prompts of past turns.")
commands.add_typer(prompt, name="prompt")


@prompt.callback()
def _keep_group() -> None:
    """Keep `render` a sub-command."""


@prompt.command()
def render(
    turn_id: Annotated[str, typer.Argument(metavar="TURN_ID")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """The exact messages each attempt at a turn sent to its model, made again from the log and proved by their hash."""
    from confluent_kafka import Consumer  # noqa: PLC0415 (slow to import, and not needed for `sluice --help`)

    from streams.prompt_search import prompts_of, read_all  # noqa: PLC0415

    settings = load_settings()
    reader = Consumer(consumer_config(connection(settings, "operator"), "sluice-prompts", OPERATOR_GROUP))
    try:
        found = prompts_of(turn_id, read_all(reader, wiring.codec(settings)))
    except (ConfigurationError, Unavailable) as error:
        leave(ExitCode.MISSING, str(error))
    finally:
        reader.close()
    if not found:
        leave(ExitCode.NO, f"The log has no prompt of turn {turn_id}: no model was asked, or its retention has passed.")
    if as_json:
        sys.stdout.write(json.dumps({"turn_id": turn_id, "attempts": [_document(one) for one in found]}) + "\n")
    else:
        _show(Console(highlight=False, soft_wrap=True), found)
    if not all(one.proved for one in found):
        leave(ExitCode.NO, "Not every prompt has the hash that the log has of it.")


@commands.command()
def redact(
    file: Annotated[
        typer.FileBinaryRead,
        typer.Argument(help='JSON lines: {"text": "..."}; - is standard input.', metavar="[FILE]"),
    ] = "-",  # type: ignore[assignment]
    policy: Annotated[str, typer.Option(metavar="NAME", help="A policy of deploy/redaction/.")] = "default",
) -> None:
    """Take the personal data out of texts, line by line.

    Out come JSON lines: {"redacted": ..., "spans": [{"start", "end", "type", "score"}]}, offsets in Unicode code
    points. A text that the policy refuses has null for `redacted`, and its types in `refused`; then the exit code is 1.
    """
    from agents.personal.finding import find  # noqa: PLC0415 (slow to import)
    from agents.policies import load_policies  # noqa: PLC0415
    from streams.finding.model import load_detectors  # noqa: PLC0415
    from streams.redacted_lines import BadLine, LineNotSearched, redacted_lines  # noqa: PLC0415

    policies, sources = load_policies(), load_detectors()
    if policy not in policies:
        leave(ExitCode.USAGE, f"There is no policy {policy}. There is: {', '.join(sorted(policies))}.")
    refused = 0
    try:
        for line in redacted_lines(file, policies[policy], lambda text, asked: find(text, asked, sources)):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            refused += line.refused
    except BadLine as error:
        leave(ExitCode.USAGE, str(error))
    except LineNotSearched as error:
        leave(ExitCode.NO, str(error))
    except BrokenPipeError:
        sys.stdout = None
        leave(ExitCode.NO, "Whoever read the answer has gone.")
    if refused:
        leave(ExitCode.NO, f"The policy {policy} refuses {refused} of these texts.")


def _document(one: "PastPrompt") -> dict[str, object]:
    messages = [{"role": message.role, "content": message.content} for message in one.messages]
    return {
        "attempt": one.attempt,
        "attempt_id": one.attempt_id,
        "model": one.model,
        "proved": one.proved,
        "messages": messages,
    }


def _show(console: Console, found: list["PastPrompt"]) -> None:
    for one in found:
        proved = "byte for byte as sent" if one.proved else "NOT as sent"
        console.rule(f"attempt {one.attempt}, {one.model}, {proved}", align="left")
        for message in one.messages:
            console.print(f"{message.role}:", style="bold")
            console.print(message.content, markup=False)
