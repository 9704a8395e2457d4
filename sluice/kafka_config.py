"""Settings every librdkafka client of the platform shares."""

from collections.abc import Mapping

Config = dict[str, str | int | float | bool]
Headers = list[tuple[str, str | bytes | None]]
"""Record headers as librdkafka takes and gives them."""


def client_config(bootstrap_servers: str, client_id: str) -> Config:
    """For producers, consumers and admin clients. Quick to come back after a broker restart."""
    return {
        "bootstrap.servers": bootstrap_servers,
        "client.id": client_id,
        "socket.nagle.disable": True,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1000,
        "log_level": 2,
    }


def producer_config(bootstrap_servers: str, client_id: str) -> Config:
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


def consumer_config(bootstrap_servers: str, client_id: str, group: str, extra: Mapping[str, str | int] = {}) -> Config:
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
