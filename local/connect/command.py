"""`make connect`: what is missing, PostgreSQL unless you have one, a worker, its connectors, and a watch over them."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from rich.console import Console

from connectors.connect.applying import apply_all
from connectors.connect.cli import keep_watch
from connectors.connect.places import places_of
from connectors.connect.rest import ConnectRest
from local.connect import jars
from local.connect.postgres import LocalPostgres
from local.connect.worker import Worker, running_worker
from local.ports import is_taken
from sluice.errors import ConfigurationError, Unavailable
from sluice.settings import Settings

_READY_SECONDS = 90.0


def run(settings: Settings, console: Console) -> None:
    """Until Ctrl-C. Raises ConfigurationError or Unavailable where it cannot begin."""
    places, home = places_of(settings), settings.home
    own_postgres = settings.connect_postgres is None
    _check_ports(settings, own_postgres=own_postgres)
    with ExitStack() as running:
        with _step(console, "Kafka Connect and its plugins"):
            jars.install(jars.connect_home())
        if own_postgres:
            with _step(console, f"PostgreSQL at 127.0.0.1:{settings.postgres_port}"):
                postgres = LocalPostgres(home / "postgres", settings.postgres_port, places.secrets)
                running.enter_context(postgres.running())
        worker = Worker(home / "connect", settings.bootstrap_servers, settings.connect_port, places.secrets)
        process = running.enter_context(running_worker(worker))
        with _step(console, f"worker at {settings.connect_rest}"), closing(ConnectRest(settings.connect_rest)) as rest:
            _until(
                lambda: rest.states() is not None, lambda: process.poll() is None, str(worker.folder / "connect.log")
            )
        with _step(console, "tables and connectors"):
            names = apply_all(settings, 1)
        console.print(
            f"\n{len(names)} connectors run.\n\n"
            f"  look      .venv/bin/sluice connect status\n"
            f"  Iceberg   {places.warehouse} (visible within a minute)\n"
            f"  database  {places.postgres.user}@{places.postgres.host}:{places.postgres.port}"
            f"/{places.postgres.database}, password in {places.secrets}\n"
            f"  letters   .venv/bin/sluice dlq list\n"
            f"  log       {worker.folder / 'connect.log'}\n"
            f"  stop      Ctrl-C; data stays\n",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        _watch(settings, process)


def _watch(settings: Settings, process: subprocess.Popen[bytes]) -> None:
    """Until Ctrl-C. Raises Unavailable where the worker ends by itself."""
    stopping, asked = threading.Event(), threading.Event()

    def stop(*_: object) -> None:
        asked.set()
        stopping.set()

    def ended() -> None:
        process.wait()
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    threading.Thread(target=ended, daemon=True).start()
    keep_watch(settings, stopping)
    if not asked.is_set():
        raise Unavailable(f"The worker has ended (code {process.returncode}). Run `make connect` again.")
    process.terminate()
    process.wait()


def _check_ports(settings: Settings, *, own_postgres: bool) -> None:
    wanted = [settings.connect_port, *([settings.postgres_port] if own_postgres else [])]
    taken = [str(port) for port in wanted if is_taken(port)]
    if taken:
        raise ConfigurationError(
            f"Ports are taken: {', '.join(taken)}. Does `make connect` run already? Else move this platform by "
            "SLUICE_PORT_OFFSET."
        )


def _until(ready: Callable[[], bool], alive: Callable[[], bool], log: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and alive():
        try:
            if ready():
                return
        except Unavailable:
            time.sleep(0.2)
    raise Unavailable(f"Kafka Connect's worker was not ready within {_READY_SECONDS:.0f} s. Log: {log}")


@contextmanager
def _step(console: Console, what: str) -> Iterator[None]:
    begun = time.monotonic()
    with console.status(f"{what} ..."):
        yield
    console.print(f"  [green]✓[/green] {what} [dim]{time.monotonic() - begun:.1f} s[/dim]", highlight=False)
