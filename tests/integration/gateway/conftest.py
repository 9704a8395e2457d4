"""Gateways as processes, over a broker of their own that a test may kill, stop and start again. No workers."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Producer

from local.broker import Broker
from local.jars import install, kafka_lib
from sluice.clock import utc_now
from sluice.codec import Codec
from sluice.events import TurnEvent
from sluice.kafka_admin import KafkaAdmin, wait_for_topics
from sluice.kafka_config import producer_config
from sluice.key_files import TOKEN_KEY, make_key_files, read_key_file
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.settings import Settings
from sluice.tokens import issue
from sluice.topics import catalogue, topic_of
from tests.ports import free_ports
from tests.waiting import until

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
_START_SECONDS = 30


@dataclass
class OwnBroker:
    """A real Apache Kafka."""

    broker: Broker
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.broker.folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(self.broker.command, stdout=log, stderr=log)

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()

    def write(self, *events: TurnEvent) -> None:
        """As a worker would."""
        producer = Producer(producer_config(self.broker.bootstrap_servers, "test"))
        for event in events:
            producer.produce(topic_of(type(event).__name__), CODEC.encode(event), event.session_id.encode())
        assert producer.flush(20) == 0


@dataclass
class Gateway:
    """One process."""

    settings: Settings
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = self.settings.home / f"gateway-{self.settings.instance}.log"
        with log.open("ab") as out:
            command = [sys.executable, "-m", "gateway"]
            self.process = subprocess.Popen(command, env=self.environment, stdout=out, stderr=out)
        self.wait_for(200)

    def ready(self) -> int:
        try:
            return httpx.get(f"{self.settings.gateway_url}/readyz", timeout=5).status_code
        except httpx.TransportError:
            return 0

    def wait_for(self, status: int, seconds: float = _START_SECONDS) -> float:
        begun = time.monotonic()
        assert until(lambda: self.ready() == status, seconds), f"readyz is {self.ready()}, not {status}"
        return time.monotonic() - begun

    @property
    def token(self) -> str:
        return issue("jane", read_key_file(self.settings.keys_dir, TOKEN_KEY), utc_now(), 3600)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass
class Site:
    """A broker, and gateways that share its keys."""

    kafka: OwnBroker
    home: Path
    offset: int
    gateways: list[Gateway] = field(default_factory=list)

    def gateway(self, instance: int = 1) -> Gateway:
        wanted = {
            "SLUICE_HOME": str(self.home),
            "SLUICE_PORT_OFFSET": str(self.offset),
            "SLUICE_BROKER": self.kafka.broker.bootstrap_servers,
            "SLUICE_INSTANCE": str(instance),
            "SLUICE_FAILPOINTS_DIR": str(self.home / "failpoints"),
        }
        own = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        settings = Settings(home=self.home, port_offset=self.offset, instance=instance)
        made = Gateway(settings, own | wanted)
        self.gateways.append(made)
        made.start()
        return made


def free_offset() -> int:
    """Of ports below those the system gives out, so that they stay free: gateways and their metrics."""
    for offset in random.sample(range(2000, 21000), 100):
        both = [Settings(port_offset=offset, instance=instance) for instance in (1, 2)]
        probes: list[socket.socket] = []
        try:
            for port in (port for one in both for port in (one.gateway_port, one.metrics_port("gateway"))):
                probes.append(socket.socket())
                probes[-1].bind(("127.0.0.1", port))
        except OSError:
            continue
        else:
            return offset
        finally:
            for probe in probes:
                probe.close()
    raise AssertionError("no free ports")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    install(kafka_lib())
    ports = free_ports(2)
    kafka = OwnBroker(Broker(tmp_path / "kafka", *ports))
    kafka.broker.prepare()
    kafka.start()
    admin = KafkaAdmin(kafka.broker.bootstrap_servers)
    wait_for_topics(admin, ())
    admin.apply(catalogue().values(), 1)
    home = tmp_path / "home"
    (home / "failpoints").mkdir(parents=True)
    make_key_files(Settings(home=home).keys_dir)
    made = Site(kafka, home, free_offset())
    try:
        yield made
    finally:
        for gateway in made.gateways:
            gateway.end()
        kafka.signal(signal.SIGKILL)
