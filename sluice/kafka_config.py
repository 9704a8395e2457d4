"""Settings every librdkafka client of the platform shares."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from sluice.settings_fields import Mechanism, SecurityProtocol

Config = dict[str, str | int | float | bool]
Headers = list[tuple[str, str | bytes | None]]
"""Record headers as librdkafka takes and gives them."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where Kafka is, and as whom to come. `ca_file` none: the system's authorities."""

    servers: str
    protocol: SecurityProtocol
    ca_file: Path | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"
    user: str = ""
    password: SecretStr | None = None

    def __str__(self) -> str:
        """The address."""
        return self.servers

    @property
    def encrypted(self) -> bool:
        """By TLS."""
        return self.protocol.endswith("SSL")

    @property
    def config(self) -> Config:
        """In librdkafka's words. Holds the password."""
        found: Config = {"bootstrap.servers": self.servers, "security.protocol": self.protocol}
        if self.encrypted and self.ca_file is not None:
            found["ssl.ca.location"] = str(self.ca_file)
        if self.protocol.startswith("SASL"):
            found |= {
                "sasl.mechanism": self.mechanism,
                "sasl.username": self.user,
                "sasl.password": self.password.get_secret_value() if self.password else "",
            }
        return found


Servers = str | Connection
"""An address alone needs neither TLS nor a password."""


def client_config(bootstrap_servers: Servers, client_id: str) -> Config:
    """For producers, consumers and admin clients. Quick to come back after a broker restart."""
    known = (
        bootstrap_servers if isinstance(bootstrap_servers, Connection) else Connection(bootstrap_servers, "PLAINTEXT")
    )
    return known.config | {
        "client.id": client_id,
        "socket.nagle.disable": True,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1000,
        "log_level": 2,
    }


def producer_config(bootstrap_servers: Servers, client_id: str) -> Config:
    """Idempotent, acknowledged by all, and murmur2: librdkafka's own default partitioner is CRC32, which would
    put a session elsewhere than Faust and Java do.
    """
    return client_config(bootstrap_servers, client_id) | {
        "enable.idempotence": True,
        "acks": "all",
        "partitioner": "murmur2_random",
        "linger.ms": 0,
        "compression.type": "none",
        "message.max.bytes": 1_000_000,
        "delivery.timeout.ms": 30_000,
        "queue.buffering.max.kbytes": 65_536,
    }


def consumer_config(
    bootstrap_servers: Servers, client_id: str, group: str, extra: Mapping[str, str | int] = {}
) -> Config:
    """A reader that commits by itself only what it was told to."""
    return (
        client_config(bootstrap_servers, client_id)
        | {
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 500,
            "fetch.queue.backoff.ms": 10,
        }
        | dict(extra)
    )
