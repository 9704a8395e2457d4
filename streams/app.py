"""A Faust app for a stage: its own consumer group, raw bytes, nothing on the network, safe defaults."""

from typing import Any

import faust

from sluice.settings import ProcessName, Settings
from sluice.topics import catalogue


def make_app(stage: ProcessName, settings: Settings) -> faust.App:
    """Source of each value: faust-facts in the decision records.

    A worker that does not answer for the session time loses its partitions; `stream_wait_empty` off lets it leave at
    once, because acknowledging is ours.
    """
    state = settings.state_of(stage)
    state.mkdir(parents=True, exist_ok=True)
    servers = ";".join(f"kafka://{server}" for server in settings.bootstrap_servers.split(","))
    partitions = catalogue()["chat-requests"].partitions
    return faust.App(
        f"sluice-{stage}",
        broker=servers,
        store="rocksdb://",
        datadir=str(state),
        topic_partitions=partitions,
        topic_replication_factor=settings.replication_factor,
        topic_disable_leader=True,
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.broker_session_seconds,
        broker_heartbeat_interval=settings.broker_session_seconds / 5,
        broker_commit_interval=1.0,
        stream_wait_empty=False,
        stream_buffer_maxsize=256,
        table_standby_replicas=0,
        recovery_consistency_check=False,
        logging_config=None,
    )


def source(app: faust.App, name: str) -> Any:
    """A topic of the catalogue as raw bytes."""
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
