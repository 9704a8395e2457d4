"""What the processes of all sinks have in common: how they read Kafka, and how they end."""

import signal
import threading
from collections.abc import Callable

from sluice.kafka_config import Config, Servers, consumer_config
from sluice.logs import Logger, get_logger
from sluice.settings import Settings, load_settings

Land = Callable[[Settings, Logger, threading.Event], None]


def sink_config(settings: Settings, kafka: Servers, group: str, kilobytes: int, more: Config) -> Config:
    """A reader in batches, with at most so much of the log in hand; `more` is the sink's own."""
    shared: Config = {
        "session.timeout.ms": int(settings.broker_session_seconds * 1000),
        "topic.metadata.refresh.interval.ms": 10_000,
        "fetch.min.bytes": 65_536,  # nobody waits for it: two answers a second instead of one for each record
        "queued.max.messages.kbytes": kilobytes,
        "enable.partition.eof": True,
    }
    return consumer_config(kafka, group, group) | shared | more


def until_told(land: Land) -> None:
    """Land until SIGTERM or SIGINT."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    land(load_settings(), get_logger(), stopping)
