"""`make up`: bring everything, start everything, send one turn through, and only then say where to go."""

import asyncio
import json
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import httpx
from rich.console import Console

from local import jars, page, ports, registry
from local.numbering import keep_numbering
from local.processes import RUNNING, ProcessManager, broker_of, programs, registry_of
from local.refusals import refusals
from local.security import let_in, makes_users, prepare
from sluice.bots import SMALL_MODEL, load_bots
from sluice.certificates import AUTHORITY_FILE
from sluice.chat_client import ChatClient, TurnResult
from sluice.cli.chat import development_token
from sluice.clock import utc_now
from sluice.errors import ConfigurationError, Unavailable
from sluice.ids import new_id
from sluice.kafka_access import broker_connection, connection
from sluice.kafka_admin import KafkaAdmin
from sluice.schema_ids import LOCK_FILE, released
from sluice.schema_registry import publish
from sluice.settings import Settings
from sluice.tls import client_context
from sluice.topics import catalogue, compatibility_of_events

_FREE_BYTES = 1_000_000_000
_OF_OLD = {"secure": False, "registry": "none", "mirror": None, "bigquery": None}
"""What platforms of older releases did not write down."""
_BROKER_SECONDS, _READY_SECONDS, _TURN_SECONDS = 60.0, 90.0, 90.0
_MODEL_SECONDS = 120.0
_REGISTRY_SECONDS = 60.0
_MODELS = {
    "dev": "development provider (scripted answers)",
    "local": f"{SMALL_MODEL} on this machine (a real model, not a good one)",
}
_LOOK_SECONDS = 0.5
_PROBE = "Say hello to whoever reads this."
_SUBJECT = "self-check"


class Refused(ConfigurationError):
    """A process waits for a person. The others go on, so that the person can look."""


@dataclass(slots=True)
class Up:
    """The steps, with progress on the console."""

    settings: Settings
    console: Console

    def __call__(self) -> None:
        """Raises ConfigurationError or Unavailable with the next step for the person."""
        manager = ProcessManager(self.settings)
        if manager.running():
            self._already(manager)
            return
        load_bots(self.settings)
        self._check_disk()
        ports.check(self.settings)
        keep_numbering(self.settings)
        with self._step("chat page"):
            page.build()
        prepare(self.settings, utc_now())
        if self.settings.broker == "local":
            with self._step("Apache Kafka and its Java"):
                jars.install(jars.kafka_lib())
                broker_of(self.settings).prepare()
        if self.settings.registry == "local":
            with self._step("Apicurio Registry"):
                registry.install(registry.registry_home())
                registry_of(self.settings).prepare()
        manager.launch()
        try:
            self._start(manager)
        except Refused:
            raise
        except (ConfigurationError, Unavailable):
            manager.shut_down()
            raise
        self._tell()

    def _start(self, manager: ProcessManager) -> None:
        for program in programs(self.settings):
            manager.start(program.name)
        with self._step(f"broker at {self.settings.bootstrap_servers}"):
            first = broker_connection if makes_users(self.settings) else partial(connection, principal="admin")
            admin = KafkaAdmin(first(self.settings))
            self._until(lambda: bool(admin.partitions(1.0)) or True, _BROKER_SECONDS, "broker")
        if makes_users(self.settings):
            with self._step("users and access control"):
                let_in(self.settings)
        if self.settings.registry == "local":
            with self._step(f"schema registry at {self.settings.registry_url}"):
                self._until(self._schemas_published, _REGISTRY_SECONDS, "schema registry")
        with self._step("topics"):
            KafkaAdmin(connection(self.settings, "admin")).apply(catalogue().values(), self.settings.replication_factor)
        self._prove(manager)

    def _prove(self, manager: ProcessManager) -> None:
        with self._step("workers and gateway"):
            self._until(lambda: self._none_refuses(manager) and self._gateway_ready(), _READY_SECONDS, "gateway")
        if self.settings.llm == "local":
            with self._step("small model"):
                ready = partial(_answers, self.settings.small_model_health)
                self._until(lambda: self._none_refuses(manager) and ready(), _MODEL_SECONDS, "small model")
        with self._step("one turn through everything"):
            result = self._probe(manager)
        if result.state != "completed":
            code = (result.error or {}).get("code", result.state)
            raise ConfigurationError(
                f"The platform runs, but a test turn failed ({code}). Logs: {self.settings.logs_dir}. "
                "With a model of your own, check its name and its key: `sluice doctor`."
            )
        (self.settings.home / "run.json").write_text(json.dumps(self._choices()))

    def _already(self, manager: ProcessManager) -> None:
        file = self.settings.home / "run.json"
        if file.exists() and _OF_OLD | json.loads(file.read_text()) != self._choices():
            raise ConfigurationError(
                "The platform runs with another BROKER, LLM, REGISTRY, SLUICE_SECURE, SLUICE_LANDING_MIRROR or "
                "SLUICE_BIGQUERY_PROJECT. Run `make down` first."
            )
        halted = [state.name for state in manager.states() if state.state != RUNNING]
        for name in halted:
            manager.start(name)
        if halted:
            self._prove(manager)
        self._until(self._gateway_ready, _READY_SECONDS, "gateway")
        self._tell()

    def _choices(self) -> dict[str, str | bool | None]:
        s = self.settings
        return {
            "broker": s.broker,
            "llm": s.llm,
            "secure": s.secure,
            "registry": s.registry,
            "mirror": _place(s.landing_mirror) if s.landing_mirror else None,
            "bigquery": s.bigquery_project,
        }

    def _probe(self, manager: ProcessManager) -> TurnResult:
        try:
            return asyncio.run(self._turn_unless_refused(manager))
        except TimeoutError:
            restless = [state.name for state in manager.states() if state.uptime_seconds < _TURN_SECONDS / 2]
            raise ConfigurationError(
                f"A test turn was not answered within {_TURN_SECONDS:.0f} s. "
                f"Processes that keep restarting: {', '.join(restless) or 'none'}. Logs: {self.settings.logs_dir}"
            ) from None

    async def _turn_unless_refused(self, manager: ProcessManager) -> TurnResult:
        turn = asyncio.create_task(self._turn())
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                while not (await asyncio.wait({turn}, timeout=_LOOK_SECONDS))[0]:
                    self._none_refuses(manager)
            return turn.result()
        finally:
            turn.cancel()

    def _none_refuses(self, manager: ProcessManager) -> bool:
        """Raises Refused with what each has said."""
        said = [*refusals(manager.states(), self.settings.logs_dir)]
        if said:
            raise Refused(f"{' '.join(said)} What else there is runs; `make up` again starts the rest.")
        return True

    async def _turn(self) -> TurnResult:
        token = development_token(self.settings, _SUBJECT)
        async with ChatClient(self.settings.gateway_url, token, client_context(self.settings)) as client:
            bot = client.ready["bots"][0]["name"]
            return await client.ask(_PROBE, session_id=f"self-check-{new_id()}", bot=bot, client_msg_id=new_id())

    def _schemas_published(self) -> bool:
        return publish(str(self.settings.registry_url), released(LOCK_FILE), compatibility_of_events()) > 0

    def _gateway_ready(self) -> bool:
        return _answers(f"{self.settings.gateway_url}/readyz", client_context(self.settings))

    def _check_disk(self) -> None:
        self.settings.home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.settings.home).free
        if free < _FREE_BYTES:
            raise ConfigurationError(
                f"Only {free / 1e9:.1f} GB are free at {self.settings.home}; 1 GB is needed. "
                "Free some, or set SLUICE_HOME to another disk."
            )

    def _until(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if ready():
                    return
            except Unavailable:
                pass
            if time.monotonic() > deadline:
                raise Unavailable(f"The {what} was not ready within {seconds:.0f} s. Logs: {self.settings.logs_dir}")
            time.sleep(0.1)

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        with self.console.status(f"{what} ..."):
            yield
        self.console.print(f"  [green]✓[/green] {what} [dim]{time.monotonic() - begun:.1f} s[/dim]", highlight=False)

    def _tell(self) -> None:
        s = self.settings
        secured = f"  secured  TLS; clients trust {s.certs_dir / AUTHORITY_FILE}\n" if s.secure else ""
        broker = f"Apache Kafka {jars.KAFKA_VERSION}, built in" if s.broker == "local" else "your cluster"
        built = f"  tables   {s.warehouse_path}, built every {s.warehouse_seconds:g} s from what has landed\n"
        warehouse = built if s.warehouse_seconds else ""
        if s.landing_mirror:
            warehouse += f"  mirror   {_place(s.landing_mirror)}\n"
        if s.bigquery_project:
            warehouse += f"  bigquery {s.bigquery_project}, dataset {s.bigquery_landing}\n"
        self.console.print(
            f"\nSluice is up.\n\n"
            f"  page     {s.gateway_url}/\n"
            f'  ask      .venv/bin/sluice chat --once "What is a sluice?"\n'
            f"  logs     {s.logs_dir}\n"
            f"  broker   {broker} at {s.bootstrap_servers}\n"
            f"  model    {_MODELS.get(s.llm, s.llm)}\n"
            f"{secured}"
            f"{warehouse}"
            f"  data     {s.home} (durable; `make clean` deletes it)\n"
            f"  stop     make down\n",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _place(address: str) -> str:
    """Without the name and password that the address of a store may have."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _answers(url: str, tls: ssl.SSLContext | None = None) -> bool:
    try:
        return httpx.get(url, timeout=2.0, verify=tls or True).is_success
    except httpx.HTTPError:
        return False
