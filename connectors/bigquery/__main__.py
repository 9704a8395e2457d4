"""The BigQuery sink's composition root: `python -m connectors.bigquery`, where `SLUICE_BIGQUERY_PROJECT` is set."""

import threading
import time
from collections.abc import Mapping
from typing import Literal

from confluent_kafka import Consumer, TopicPartition

from connectors.batching import Place
from connectors.bigquery.ports import BigQuery
from connectors.bigquery.store import BigQueryStore
from connectors.connect.tables import landed_tables
from connectors.erasing.erased import ErasedList
from connectors.intake import Intake
from connectors.landing import GROUP as LETTERS_GROUP
from connectors.landing import landed_topics, pause_until
from connectors.rejections import KafkaDeadLetters
from connectors.sink import Limits, Sink
from connectors.sink_metrics import SinkMetrics
from connectors.sink_process import sink_config, until_told
from sluice import heap, wiring
from sluice.clock import utc_now
from sluice.dead_letters import DeadLetters
from sluice.errors import ConfigurationError
from sluice.failpoints import Failpoints
from sluice.kafka_access import connection
from sluice.kafka_admin import KafkaAdmin, wait_for_topics
from sluice.key_files import read_key_file
from sluice.letter_box import PUBLIC_FILE
from sluice.logs import Logger, fact
from sluice.process import run_process
from sluice.settings import Settings
from sluice.tls import server_files
from sluice.topics import seen_by

GROUP: Literal["bigquery"] = "bigquery"
_BUFFER_KILOBYTES = 8_192


def land(settings: Settings, log: Logger, stopping: threading.Event) -> None:
    """Run until stopped. Raises ConfigurationError or Unavailable where it cannot begin or go on."""
    bigquery = bigquery_of(settings)
    codec = wiring.resolved_codec(settings, pause_until(stopping))
    # The letter of a record that the landing sink puts away too is the same one, and counts once.
    letters = DeadLetters(codec, read_key_file(settings.keys_dir, PUBLIC_FILE), LETTERS_GROUP, utc_now)
    kafka, shown = connection(settings, "connectors"), server_files(settings, GROUP, utc_now())
    admin = KafkaAdmin(kafka)
    wait_for_topics(admin, seen_by("connectors"), pause_until(stopping), log)
    metrics, failpoints = SinkMetrics("bigquery"), Failpoints(settings.failpoints_dir)
    metrics.serve(settings.metrics_port("bigquery"), shown, settings.metrics_client_ca_file)
    consumer = Consumer(sink_config(settings, kafka, GROUP, _BUFFER_KILOBYTES, {}))

    def commit(offsets: Mapping[Place, tuple[int, str]]) -> None:
        marked = [TopicPartition(*place, offset, mark) for place, (offset, mark) in offsets.items()]
        consumer.commit(offsets=marked, asynchronous=False)

    tables = {topic.name: table for table in landed_tables() for topic in table.topics}
    erased = ErasedList(settings.landing_dir)
    store = BigQueryStore(
        bigquery, tables, admin.cluster_id(), commit, consumer.memberid, erased.while_landing, log, failpoints
    )
    store.declare()
    intake = Intake(landed_topics(), codec, KafkaDeadLetters(kafka, letters, GROUP), metrics, log, utc_now)
    limits = Limits(settings.landing_flush_seconds, settings.landing_flush_records)
    heap.collect_by_hand()
    log.info("bigquery sink started", project=fact(settings.bigquery_project), dataset=fact(settings.bigquery_landing))
    try:
        Sink(consumer, store, intake, limits, time.monotonic, failpoints).run(stopping)
    finally:
        consumer.close()
    log.info("bigquery sink stopped")


def bigquery_of(settings: Settings) -> BigQuery:
    """Raises ConfigurationError where there is no project, no client or nobody to come as."""
    if settings.bigquery_project is None:
        raise ConfigurationError("Set SLUICE_BIGQUERY_PROJECT to the project that holds the dataset.")
    try:
        import google.auth  # noqa: PLC0415 (an extra: only who chose it has it)

        from connectors.bigquery.client import connected  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            "The BigQuery sink needs Google's clients, which are not installed: `make up` with SLUICE_BIGQUERY_PROJECT "
            "set brings them, or pip install -r constraints/bigquery.txt"
        ) from None
    rest, grpc = settings.bigquery_emulator, settings.bigquery_emulator_grpc
    if (rest is None) != (grpc is None):
        raise ConfigurationError("An emulator has two ports: set both SLUICE_BIGQUERY_EMULATOR and ..._EMULATOR_GRPC.")
    emulator = None if rest is None or grpc is None else (rest, grpc)
    return connected(settings.bigquery_project, settings.bigquery_landing, emulator, lambda: google.auth.default()[0])


def main() -> None:
    """The process. Stops on SIGTERM and SIGINT."""
    until_told(land)


if __name__ == "__main__":
    run_process("bigquery", main)
