"""Composition root of the gateway: `python -m gateway`."""

import logging
import os
import sys

import uvicorn

from gateway.access import Access
from gateway.app import make_app
from gateway.bridge import Bridge
from gateway.edge import Edge
from gateway.history import History
from gateway.hub import Hub
from gateway.turns import Turns
from sluice import wiring
from sluice.bots import load_bots
from sluice.clock import utc_now
from sluice.dead_letters import DeadLetters
from sluice.kafka_admin import KafkaAdmin, wait_for_topics
from sluice.kafka_producer import KafkaProducer
from sluice.key_files import PSEUDONYM_KEY, TOKEN_KEY, read_key_file
from sluice.key_store import FileKeyStore
from sluice.letter_box import PUBLIC_FILE
from sluice.logs import configure, get_logger
from sluice.metrics import make_metrics
from sluice.sealing import Sealer
from sluice.settings import load_settings
from sluice.topics import catalogue

_LARGEST_MESSAGE_BYTES = 4_000_000
"""Far above the protocol's limit, so that a large frame is answered with a code and not with a cut."""


_CAUSED_BY_CLIENTS = (
    "ASGI callable returned without completing handshake",
    "data transfer failed",
    "closing handshake",
)


def not_caused_by_clients(record: logging.LogRecord) -> bool:
    """Drop what uvicorn logs as an error, some with a traceback for each refused handshake and malformed frame."""
    return not record.getMessage().startswith(_CAUSED_BY_CLIENTS)


def main() -> None:
    """Wire and serve until SIGTERM."""
    settings = load_settings()
    configure("gateway", sys.stdout)
    log, metrics, codec = get_logger(), make_metrics(), wiring.codec(settings)
    servers, keys = settings.bootstrap_servers, settings.keys_dir

    def on_fatal(reason: str) -> None:
        log.error("ending the process", reason=reason)
        sys.stdout.flush()
        os._exit(70)

    producer = KafkaProducer(servers, "sluice-gateway", on_fatal)
    admin = KafkaAdmin(servers)
    wait_for_topics(admin, catalogue())
    history = History(settings.state_of("gateway") / "history.sqlite", admin.cluster_id())
    hub = Hub(utc_now)
    letters = DeadLetters(codec, read_key_file(keys, PUBLIC_FILE), "sluice-gateway", utc_now)
    bridge = Bridge(servers, codec, hub, history, producer, letters, utc_now, metrics, log, on_fatal)
    sealer = Sealer(FileKeyStore(keys / "subjects"), settings.tenant)
    turns = Turns(load_bots(settings), history, hub, codec, producer, sealer, utc_now, metrics)
    access = Access(
        read_key_file(keys, TOKEN_KEY),
        read_key_file(keys, PSEUDONYM_KEY),
        utc_now,
        settings.token_seconds,
        settings.dev_tokens,
        settings.allowed_origins,
    )
    edge = Edge(settings, access, turns, hub, bridge, producer, metrics, log)

    def start() -> None:
        producer.start()
        bridge.start()
        log.info("gateway listens", host=settings.gateway_host, port=settings.gateway_port)

    logging.getLogger("uvicorn.error").addFilter(not_caused_by_clients)
    metrics.serve(settings.metrics_port("gateway"))
    uvicorn.run(
        make_app(edge, start),
        host=settings.gateway_host,
        port=settings.gateway_port,
        loop="uvloop",
        ws="websockets-sansio",
        ws_max_size=_LARGEST_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
    )


if __name__ == "__main__":
    main()
