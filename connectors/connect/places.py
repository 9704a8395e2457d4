"""Where Kafka Connect reads and writes."""

import re
from dataclasses import dataclass
from pathlib import Path

from sluice.errors import ConfigurationError
from sluice.key_files import CONNECT_FOLDER, POSTGRES_PASSWORD, read_key_file
from sluice.settings import Settings

_POSTGRES = re.compile(r"(?P<user>[^:@/]+)@(?P<host>[^:@/]+):(?P<port>\d+)/(?P<database>[^:@/?]+)")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database, without the password of its user."""

    user: str
    host: str
    port: int
    database: str

    @property
    def jdbc(self) -> str:
        """Its address in Java's words."""
        return f"jdbc:postgresql://{self.host}:{self.port}/{self.database}"


@dataclass(frozen=True, slots=True)
class Places:
    """Of one platform. `secrets` is a folder with the password, which workers read themselves: it is in no
    configuration. `warehouse` is the address of a folder or of an object store.
    """

    registry_url: str
    postgres: Postgres
    secrets: Path
    warehouse: str
    bigquery_project: str = "sluice"
    bigquery_dataset: str = "landing"

    @property
    def password_reference(self) -> str:
        """What connectors are told instead of the password."""
        return f"${{keys:{self.secrets}:{POSTGRES_PASSWORD}}}"

    def password(self) -> str:
        """Raises ConfigurationError where there is none."""
        return read_key_file(self.secrets, POSTGRES_PASSWORD).decode().strip()


def places_of(settings: Settings) -> Places:
    """Raises ConfigurationError where schemas have no registry, the cluster is secured, or an address is none."""
    if settings.registry_url is None:
        raise ConfigurationError(
            "Kafka Connect has schemas from a registry, and this platform has none. Begin one with "
            "`make up REGISTRY=local`, or set SLUICE_SCHEMA_REGISTRY_URL."
        )
    if settings.secure or (settings.kafka_protocol or "PLAINTEXT") != "PLAINTEXT":
        raise ConfigurationError(
            "Kafka Connect has no user and no rights of its own in avro/topics.yaml yet: it reads clusters without "
            "SLUICE_SECURE. For a secured cluster take the files of `sluice connect render` and add your user to them."
        )
    warehouse = settings.iceberg_warehouse or (settings.home / "iceberg").absolute().as_uri()
    secrets = (settings.keys_dir / CONNECT_FOLDER).absolute()
    project, dataset = settings.bigquery_project or "sluice", settings.bigquery_landing
    return Places(settings.registry_url, postgres_of(settings), secrets, warehouse, project, dataset)


def postgres_of(settings: Settings) -> Postgres:
    """One's own, or the one on this machine."""
    if settings.connect_postgres is None:
        return Postgres("sluice", "127.0.0.1", settings.postgres_port, "sluice")
    match = _POSTGRES.fullmatch(settings.connect_postgres)
    if match is None:
        raise ConfigurationError(
            "SLUICE_CONNECT_POSTGRES is not of the form user@host:port/database. The password goes into the file "
            f"{settings.keys_dir / CONNECT_FOLDER / POSTGRES_PASSWORD}."
        )
    return Postgres(match["user"], match["host"], int(match["port"]), match["database"])
