"""A platform for each test, on the session's broker."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.batching import Place
from connectors.log_scan import LogScan, Window
from sluice.errors import Unavailable
from sluice.kafka_admin import KafkaAdmin
from sluice.key_files import make_key_files
from sluice.topics import catalogue
from tests.integration.connectors.platform import Platform
from tests.ports import free_offset

_METRICS_PORTS = (9405, *range(9410, 9810, 100))
"""Of the landing sink, and of BigQuery's where several run."""


@pytest.fixture
def empty_topics(kafka: str) -> str:
    """All topics of the catalogue, without the records of other tests where Kafka lets them be taken away."""
    topics = catalogue()
    KafkaAdmin(kafka).apply(topics.values(), 1)
    cut = [topic for topic in topics.values() if "delete" in topic.cleanup_policy]
    places = [Place(topic.name, number) for topic in cut for number in range(topic.partitions)]
    window = _window(kafka, places)
    cuts = [TopicPartition(*place, span.end) for place, span in window.items() if span.low < span.end]
    admin = AdminClient({"bootstrap.servers": kafka})
    for cut in admin.delete_records(cuts).values() if cuts else ():
        cut.result(10)
    return kafka


def _window(kafka: str, places: list[Place]) -> Window:
    """Of partitions that may be a moment old and have no leader yet."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return LogScan(kafka).window(places)
        except Unavailable:
            assert time.monotonic() < deadline


@pytest.fixture
def platform(empty_topics: str, tmp_path: Path) -> Iterator[Platform]:
    """Flushes often; a silent sink loses its partitions as soon as the broker allows."""
    own = {
        "SLUICE_BROKER": empty_topics,
        "SLUICE_HOME": str(tmp_path),
        "SLUICE_PORT_OFFSET": str(free_offset(*_METRICS_PORTS)),
        "SLUICE_LANDING_FLUSH_SECONDS": "0.1",
        "SLUICE_LANDING_FLUSH_RECORDS": "500",
        "SLUICE_LANDING_COMPACT_SECONDS": "0.2",
        "SLUICE_BROKER_SESSION_SECONDS": "6",
    }
    make_key_files(tmp_path / "keys")
    made = Platform(empty_topics, {**os.environ, **own}, tmp_path)
    yield made
    made.stop()
