"""Composition root of the gateway: `python -m gateway`."""

import logging
import os
import sys
from functools import partial

import httpx
from confluent_kafka import Consumer

from gateway.access import Access
from gateway.app import make_app
from gateway.bridge import Bridge
from gateway.edge import Edge
from gateway.event_log import EventLog
from gateway.history import History
from gateway.hub import Hub
from gateway.issuer import Issuer, is_confidential
from gateway.log_reader import HISTORY_TOPICS, LogReader
from gateway.opening import open_values
from gateway.posting import Posting
from gateway.progress import Progress
from gateway.pulse import Pulse
from gateway.server import Server, configuration, serve
from gateway.turns import Turns
from sluice import heap, wiring
from sluice.audit_log import Auditor
from sluice.bots import load_bots
from sluice.clock import utc_now
from sluice.dead_letters import DeadLetters
from sluice.errors import ConfigurationError
from sluice.failpoints import Failpoints
from sluice.kafka_access import connection
from sluice.kafka_admin import KafkaAdmin, wait_for_topics
from sluice.kafka_config import consumer_config
from sluice.kafka_producer import KafkaProducer
from sluice.key_files import PSEUDONYM_KEY, TOKEN_KEY, read_key_file
from sluice.letter_box import PUBLIC_FILE
from sluice.logs import fact, get_logger
from sluice.metrics import make_metrics
from sluice.process import ProcessExit, run_process
from sluice.settings import Settings, load_settings
from sluice.tls import server_files
from sluice.topics import catalogue, seen_by

_NAME = "sluice-gateway"
_READING: dict[str, str | int] = {"enable.partition.eof": True}
_PROMPT: dict[str, str | int] = {"fetch.wait.max.ms": 50}
"""Who begins to hear a partition waits for the fetch that is under way."""
_GATHERING: dict[str, str | int] = {"fetch.min.bytes": 65_536, "fetch.wait.max.ms": 100}
_PULSE_SECONDS = 2.0
_LAST_MARKS_SECONDS = 3.0


_CAUSED_BY_CLIENTS = (
    "ASGI callable returned without completing handshake",
    "data transfer failed",
    "closing handshake",
)


def not_caused_by_clients(record: logging.LogRecord) -> bool:
    """Drop what uvicorn logs as an error, some with a traceback for each refused handshake and malformed frame."""
    return not record.getMessage().startswith(_CAUSED_BY_CLIENTS)


def issuer_of(settings: Settings) -> Issuer | None:
    """Raises ConfigurationError where people's tokens would be checked by what anybody can change on the way."""
    if settings.oidc_issuer is None:
        return None
    if not is_confidential(settings.oidc_issuer):
        raise ConfigurationError("SLUICE_OIDC_ISSUER must begin with https://, but for a provider on this machine.")
    return Issuer(
        settings.oidc_issuer,
        settings.oidc_audience,
        settings.oidc_roles_claim,
        read_key_file(settings.keys_dir, PSEUDONYM_KEY),
        utc_now,
        httpx.AsyncClient(),
    )


def main() -> None:
    """Wire and serve until SIGTERM."""
    settings = load_settings()
    log, metrics, codec = get_logger(), make_metrics(), wiring.resolved_codec(settings)
    bots = load_bots(settings)
    servers, keys = connection(settings, "gateway"), settings.keys_dir
    shown = server_files(settings, "gateway", utc_now())
    dead_letters = DeadLetters(codec, read_key_file(keys, PUBLIC_FILE), _NAME, utc_now)
    auditor = Auditor(wiring.audit_log(settings, "gateway").append)
    access = Access(
        read_key_file(keys, TOKEN_KEY),
        read_key_file(keys, PSEUDONYM_KEY),
        utc_now,
        settings.token_seconds,
        settings.takes_dev_tokens,
        settings.allowed_origins,
        auditor.note,
        issuer_of(settings),
        wiring.api_keys(settings),
        "http" if shown is None else "https",
    )

    def on_fatal(reason: str) -> None:
        log.error("ending the process", reason=fact(reason))
        sys.stdout.flush()
        os._exit(ProcessExit.SOFTWARE)

    admin, topics = KafkaAdmin(servers), catalogue()
    wait_for_topics(admin, seen_by("gateway"), log=log)
    producer = KafkaProducer(servers, _NAME, on_fatal)  # it asks for its rights at once: not before they are there
    sealer = wiring.sealer(settings)
    open_map = partial(open_values, sealer, metrics)
    history = History(settings.state_of("gateway") / "history.sqlite", admin.cluster_id(), open_map)
    hub = Hub(utc_now, open_map)
    progress = Progress(lambda: admin.ends({name: topics[name].partitions for name in HISTORY_TOPICS}))
    progress.reached(history.positions())
    bridge = Bridge(hub, progress, Pulse(lambda: admin.partitions(_PULSE_SECONDS), log))
    reader = LogReader(
        consumer=Consumer(consumer_config(servers, _NAME, _NAME, _READING | _PROMPT)),
        ask=lambda: Consumer(consumer_config(servers, _NAME, _NAME)),
        history_consumer=Consumer(consumer_config(servers, _NAME, _NAME, _READING | _GATHERING)),
        codec=codec,
        history=history,
        producer=producer,
        dead_letters=dead_letters,
        clock=utc_now,
        metrics=metrics,
        log=log,
        on_fatal=on_fatal,
        wanted=bridge.wanted,
        deliver=bridge.deliver,
        on_loop=bridge.on_loop,
    )
    turns = Turns(
        bots=bots,
        history=history,
        reading=progress,
        hub=hub,
        log=EventLog(codec, producer, Posting(producer, metrics)),
        sealer=sealer,
        clock=utc_now,
        failpoints=Failpoints(settings.failpoints_dir),
        session_turns=settings.session_turns,
        note=auditor.note,
    )
    edge = Edge(settings, access, turns, hub, bridge, producer, metrics, log)

    def start() -> None:
        producer.start()
        auditor.start()
        bridge.start(reader)
        heap.settle()
        log.info("gateway listens", host=fact(settings.gateway_host), port=settings.gateway_port)

    logging.getLogger("uvicorn.error").addFilter(not_caused_by_clients)
    metrics.serve(settings.metrics_port("gateway"), shown, settings.metrics_client_ca_file)
    app = make_app(edge, start)
    status = serve(Server(configuration(app, settings.gateway_host, settings.gateway_port, shown), turns))
    auditor.stop(_LAST_MARKS_SECONDS)
    sys.exit(status)


if __name__ == "__main__":
    run_process("gateway", main)
