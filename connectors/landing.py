"""The landing sink's composition root: `python -m connectors.landing`."""

import threading
import time
from collections.abc import Callable

import pyarrow as pa
from confluent_kafka import Consumer

from connectors.intake import Intake
from connectors.landed_store import LandedStore
from connectors.landing_zone import LandingZone
from connectors.rejections import KafkaDeadLetters
from connectors.sink import Limits, Sink
from connectors.sink_metrics import SinkMetrics
from connectors.sink_process import sink_config, until_told
from sluice import heap, wiring
from sluice.clock import utc_now
from sluice.dead_letters import DeadLetters
from sluice.failpoints import Failpoints
from sluice.ids import new_id
from sluice.kafka_access import connection
from sluice.kafka_admin import KafkaAdmin, wait_for_topics
from sluice.kafka_config import Config, Servers
from sluice.key_files import read_key_file
from sluice.letter_box import PUBLIC_FILE
from sluice.logs import Logger, fact
from sluice.process import run_process
from sluice.settings import Settings
from sluice.tls import server_files
from sluice.topics import Topic, catalogue, seen_by

GROUP = "landing"
_BUFFER_KILOBYTES = 4_096


def landed_topics() -> list[Topic]:
    """What the sink reads: every topic that names `connectors` among its readers, and all dead letters."""
    return [topic for topic in catalogue().values() if "connectors" in topic.consumers]


def land(settings: Settings, log: Logger, stopping: threading.Event) -> None:
    """Run until stopped. Raises ConfigurationError or Unavailable where it cannot begin."""
    codec = wiring.resolved_codec(settings, pause_until(stopping))
    letters = DeadLetters(codec, read_key_file(settings.keys_dir, PUBLIC_FILE), GROUP, utc_now)
    zone = LandingZone(settings.landing_dir)
    kafka, shown = connection(settings, "connectors"), server_files(settings, "landing", utc_now())
    admin = KafkaAdmin(kafka)
    wait_for_topics(admin, seen_by("connectors"), pause_until(stopping), log)
    with zone.claim(admin.cluster_id(), new_id()) as folder_id:
        metrics = SinkMetrics()
        metrics.serve(settings.metrics_port("landing"), shown, settings.metrics_client_ca_file)
        consumer = Consumer(_consumer_settings(settings, kafka, folder_id))
        topics, failpoints = landed_topics(), Failpoints(settings.failpoints_dir)
        store = LandedStore(
            zone, folder_id, topics, metrics, log, time.monotonic, failpoints, settings.landing_compact_seconds
        )
        store.declare()
        intake = Intake(topics, codec, KafkaDeadLetters(kafka, letters), metrics, log, utc_now)
        limits = Limits(settings.landing_flush_seconds, settings.landing_flush_records)
        sink = Sink(consumer, store, intake, limits, time.monotonic, failpoints)
        heap.collect_by_hand()
        pa.set_memory_pool(pa.system_memory_pool())  # gives back what a batch took; mimalloc keeps it
        log.info("landing sink started", folder=fact(str(settings.landing_dir)), folder_id=fact(folder_id))
        try:
            sink.run(stopping)
        finally:
            consumer.close()
    log.info("landing sink stopped")


def pause_until(stopping: threading.Event) -> Callable[[float], None]:
    """Sleeps, and ends the process where it is to stop meanwhile."""

    def pause(seconds: float) -> None:
        if stopping.wait(seconds):
            raise SystemExit

    return pause


def _consumer_settings(settings: Settings, kafka: Servers, folder_id: str) -> Config:
    own: Config = {
        "group.instance.id": f"{GROUP}-{folder_id}",  # a restart goes on at once, without a rebalance
        "fetch.max.bytes": _BUFFER_KILOBYTES * 1024,  # one answer, which may come on top: else 1 MB of each partition
    }
    return sink_config(settings, kafka, GROUP, _BUFFER_KILOBYTES, own)


def main() -> None:
    """The process. Stops on SIGTERM and SIGINT."""
    until_told(land)


if __name__ == "__main__":
    run_process("landing", main)
