"""Everything Kafka Connect needs, real: broker, registry, PostgreSQL, a worker that can be killed."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy
from confluent_kafka import Producer

from connectors.connect.places import Places, places_of
from connectors.connect.preparing import database, lakehouse
from connectors.connect.rest import ConnectRest
from connectors.connect.sinks import LETTERS_TOPIC, connectors
from connectors.connect.tables import SCHEMA, LandedTable
from connectors.landing import GROUP, landed_topics
from connectors.log_scan import LogScan, whole
from local.broker import running_broker
from local.connect.postgres import LocalPostgres
from local.connect.worker import Worker
from local.registry import Registry
from sluice.codec import Codec
from sluice.errors import Unavailable
from sluice.events import EVENT_TYPES, Event, TurnEvent
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import producer_config
from sluice.key_files import make_key_files
from sluice.schema_ids import LOCK_FILE, RegistryIds, released
from sluice.schema_registry import publish
from sluice.settings import Settings
from sluice.topics import catalogue, compatibility_of_events, topic_of
from tests.ports import free_ports
from tests.waiting import until

_METRICS_PORT = 9405
FAST = {"iceberg.control.commit.interval-ms": "1000", "iceberg.control.commit.timeout-ms": "3000"}


@dataclass
class Stack:
    """What runs, and what it holds."""

    settings: Settings
    places: Places
    registry: Registry
    postgres: LocalPostgres
    worker: Worker
    codec: Codec
    producer: Producer
    rest: ConnectRest
    _postgres: ExitStack = field(default_factory=ExitStack)
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, what: str) -> None:
        command = {"worker": self.worker, "registry": self.registry}[what].command
        with (self.settings.home / f"{what}.log").open("ab") as log:
            self._processes[what] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, what: str) -> None:
        process = self._processes.pop(what)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for what in [*self._processes]:
            self.kill(what)
        self._postgres.close()

    def say(self, *events: Event) -> None:
        for event in events:
            assert isinstance(event, TurnEvent)
            self.producer.produce(topic_of(type(event).__name__), self.codec.encode(event), event.session_id)
        assert self.producer.flush(30) == 0

    def connect(self) -> None:
        """Tables and connectors, which commit more often than is good for anybody but a test."""
        assert self.sluice("connect", "apply").startswith("12 connectors")
        for name, config in connectors(self.places, ("iceberg",)).items():
            self.rest.put(name, config | FAST)

    def answers(self) -> bool:
        try:
            return len(self.rest.states()) >= 0
        except Unavailable:
            return False

    def published(self) -> bool:
        try:
            return publish(self.registry.url, released(LOCK_FILE), compatibility_of_events()) > 0
        except Unavailable:
            return False

    def in_iceberg(self, table: LandedTable) -> Any:
        """All rows, a `pyarrow.Table`."""
        with closing(lakehouse(self.places)) as catalog:
            return catalog.load_table(f"{SCHEMA}.{table.name}").scan().to_arrow()

    def in_postgres(self, query: str) -> list[Any]:
        engine = sqlalchemy.create_engine(database(self.places))
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.execute(sqlalchemy.text(query))]
        except sqlalchemy.exc.ProgrammingError:  # the sink has not made the table yet
            return []
        finally:
            engine.dispose()

    def put_away(self) -> int:
        """Records that Connect has ever put away: the topic is emptied, and counts on."""
        scan = LogScan(self.settings.bootstrap_servers)
        return sum(span.end for span in whole(scan, [LETTERS_TOPIC]).values())

    def wait(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        if not until(ready, seconds):
            log = (self.settings.home / "worker.log").read_text()
            raise AssertionError(f"{self.rest.states()}\n{log[-4000:]}")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """`sluice connect watch`, for this block."""
        with self._running("watch", "-c", "from sluice.cli.main import main; main()", "connect", "watch"):
            yield

    @contextmanager
    def landing_sink(self) -> Iterator[None]:
        """For this block."""
        with self._running("landing", "-m", "connectors.landing"):
            yield

    def landing_sink_is_at_the_end(self) -> bool:
        """Also of the letters that it wrote itself."""
        admin, topics = KafkaAdmin(self.settings.bootstrap_servers), landed_topics()
        ends = admin.ends({topic.name: topic.partitions for topic in topics})
        committed = admin.committed(GROUP)
        return all(committed.get(place, 0) == end for place, end in ends.items())

    def sluice(self, *arguments: str) -> str:
        """A command that succeeds."""
        done = subprocess.run(
            [sys.executable, "-c", "from sluice.cli.main import main; main()", *arguments],
            env=self._variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def _variables(self) -> dict[str, str]:
        names = ("home", "broker", "schema_registry_url", "connect_url", "connect_postgres")
        return os.environ | {f"SLUICE_{name.upper()}": str(getattr(self.settings, name)) for name in names}

    @contextmanager
    def _running(self, name: str, *arguments: str) -> Iterator[None]:
        own = self._variables
        own["SLUICE_PORT_OFFSET"] = str(next(port for port in free_ports(20) if port > _METRICS_PORT) - _METRICS_PORT)
        with (self.settings.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, *arguments], env=own, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(30) == 0

    @contextmanager
    def without_postgres(self) -> Iterator[None]:
        """For this block."""
        self._postgres.close()
        yield
        self._postgres.enter_context(self.postgres.running())


@contextmanager
def running_stack() -> Iterator[Stack]:
    """PostgreSQL runs as another user than root, who reaches no folder of pytest's."""
    home = Path(tempfile.mkdtemp(prefix="sluice-connect-"))
    home.chmod(0o755)
    worker_port, postgres_port, registry_port = free_ports(3)
    try:
        with ExitStack() as running:
            servers = running.enter_context(running_broker(home / "kafka", *free_ports(2)))
            registry = Registry(home / "registry", registry_port)
            registry.prepare()
            settings = Settings(
                home=home,
                broker=servers,
                schema_registry_url=registry.url,
                connect_url=f"http://127.0.0.1:{worker_port}",
                connect_postgres=f"sluice@127.0.0.1:{postgres_port}/sluice",
            )
            make_key_files(settings.keys_dir)
            places = places_of(settings)
            postgres = LocalPostgres(home / "postgres", postgres_port, places.secrets)
            worker = Worker(home / "connect", servers, worker_port, places.secrets)
            worker.prepare()
            KafkaAdmin(servers).apply(catalogue().values(), 1)
            ids = running.enter_context(closing(RegistryIds(registry.url)))
            rest = running.enter_context(closing(ConnectRest(settings.connect_rest)))
            producer = Producer(producer_config(servers, "tests"))
            stack = Stack(settings, places, registry, postgres, worker, Codec(ids), producer, rest)
            running.callback(stack.stop)
            stack._postgres.enter_context(postgres.running())
            stack.start("registry")
            stack.start("worker")
            assert until(stack.published, 90)
            for name in EVENT_TYPES:
                ids.id_of(name)  # what is said later needs no registry
            stack.wait(stack.answers, 90)
            stack.connect()
            yield stack
    finally:
        shutil.rmtree(home, ignore_errors=True)
