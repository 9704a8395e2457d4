"""`sluice chat`."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from sluice.chat_client import ChatClient, TurnResult
from sluice.cli.leaving import ExitCode, leave
from sluice.clock import utc_now
from sluice.errors import Unavailable
from sluice.ids import WIRE_ID, new_id
from sluice.key_files import TOKEN_KEY, read_key_file
from sluice.settings import Settings, load_settings
from sluice.tls import client_context
from sluice.tokens import DEVELOPER, issue

_TOKEN_SECONDS = 3600


def chat(
    bot: Annotated[str | None, typer.Option(help="Which bot; the gateway's first by default.")] = None,
    session: Annotated[str | None, typer.Option(help="Go on with this conversation.")] = None,
    once: Annotated[str | None, typer.Option(metavar="TEXT", help="Ask this one question and leave.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: one JSON document, nothing else.")] = False,
    token: Annotated[str | None, typer.Option(help="Bearer token; a development token by default.")] = None,
) -> None:
    """Talk to a bot. Ctrl-C stops the answer, a second one leaves."""
    if as_json and once is None:
        leave(ExitCode.USAGE, "--json needs --once TEXT.")
    if session is not None and not WIRE_ID.fullmatch(session):
        leave(ExitCode.USAGE, "A session id is 1 to 64 of A-Z, a-z, 0-9, _ and -.")
    settings = load_settings()
    try:
        code = asyncio.run(
            _talk(settings, bot, session or new_id(), once, as_json, token or development_token(settings))
        )
    except Unavailable as error:
        leave(ExitCode.MISSING, str(error))
    except asyncio.CancelledError:
        leave(ExitCode.NO, "Left. The turn goes on without us.")
    raise typer.Exit(int(code))


def development_token(
    settings: Settings, subject: str = DEVELOPER, seconds: int = _TOKEN_SECONDS, roles: Sequence[str] = ()
) -> str:
    """Signed with this platform's key file. Raises ConfigurationError where the platform was never started."""
    return issue(subject, read_key_file(settings.keys_dir, TOKEN_KEY), utc_now(), seconds, roles)


async def _talk(
    settings: Settings, bot: str | None, session_id: str, once: str | None, as_json: bool, token: str
) -> ExitCode:
    console = Console(highlight=False, stderr=as_json)
    async with ChatClient(settings.gateway_url, token, client_context(settings)) as client:
        chosen = bot or client.ready["bots"][0]["name"]
        if once is not None:
            result = await _ask(client, once, session_id, chosen, quiet=as_json, console=console)
            if as_json:
                sys.stdout.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")
            return ExitCode.DONE if result.state == "completed" else ExitCode.NO
        console.print(f"[dim]{chosen} · session {session_id} · empty line or Ctrl-D leaves[/dim]")
        while True:
            try:
                text = await asyncio.to_thread(console.input, "[bold]> [/bold]")
            except (EOFError, KeyboardInterrupt):
                return ExitCode.DONE
            if not text.strip():
                return ExitCode.DONE
            await _ask(client, text, session_id, chosen, quiet=False, console=console)


async def _ask(
    client: ChatClient, text: str, session_id: str, bot: str, *, quiet: bool, console: Console
) -> TurnResult:
    def show(piece: str) -> None:
        if not quiet:
            sys.stdout.write(piece)
            sys.stdout.flush()

    stop = asyncio.Event()
    with _interrupts(stop):
        result = await client.ask(text, session_id=session_id, bot=bot, client_msg_id=new_id(), on_text=show, stop=stop)
    if not quiet:
        sys.stdout.write("\n")
        sys.stdout.flush()
        console.print(summary(result), style="dim", markup=False)
    return result


@contextlib.contextmanager
def _interrupts(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def interrupted() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def summary(result: TurnResult) -> str:
    """The line under an answer."""
    if result.error is not None:
        again = "Try again." if result.error["retryable"] else ""
        return f"{result.error['code']}: {result.error['message']} {again}".rstrip()
    if result.state == "cancelled":
        return f"stopped · turn {result.turn_id}"
    tokens = result.usage["prompt_tokens"] + result.usage["completion_tokens"]
    first, total = result.latency_ms["first_delta"] or 0.0, result.latency_ms["total"] or 0.0
    return (
        f"{result.model} · {tokens} tokens · ${result.cost_usd} · first word {first:.0f} ms, all {total:.0f} ms "
        f"· turn {result.turn_id}"
    )
