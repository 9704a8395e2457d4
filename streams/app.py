"""A Faust app for a stage: its own consumer group, raw bytes, nothing on the network, safe defaults."""

from typing import Any

import faust

from sluice.settings import ProcessName, Settings
from sluice.topics import catalogue
from streams.transport.driver import LogTransport
from streams.transport.options import Options


class StageApp(faust.App):  # type: ignore[misc]
    """Takes its transport from us instead of from a URL."""

    def __init__(self, *args: Any, options: Options | None, **kwargs: Any) -> None:
        self._options = options
        super().__init__(*args, **kwargs)

    def _new_transport(self) -> Any:
        if self._options is None:
            return super()._new_transport()
        return LogTransport(self.conf.broker_consumer, self, options=self._options)


def make_app(stage: ProcessName, settings: Settings, options: Options | None) -> faust.App:
    """`options` for our transport, None for Faust's own. Source of the values: docs/decisions/0007.

    A worker that does not answer for the session time loses its partitions; `stream_wait_empty` off lets it leave at
    once, because acknowledging is ours.
    """
    servers = ";".join(f"kafka://{server}" for server in settings.bootstrap_servers.split(","))
    partitions = catalogue()["chat-requests"].partitions
    return StageApp(
        f"sluice-{stage}",
        options=options,
        broker=servers,
        store="rocksdb://",
        datadir=str(settings.state_of(stage)),
        topic_partitions=partitions,
        topic_replication_factor=settings.replication_factor,
        topic_disable_leader=True,
        web_enabled=False,
        key_serializer="raw",
        value_serializer="raw",
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.broker_session_seconds,
        broker_heartbeat_interval=settings.broker_session_seconds / 5,
        broker_commit_interval=settings.commit_seconds,
        stream_wait_empty=False,
        stream_buffer_maxsize=256,
        table_standby_replicas=0,
        recovery_consistency_check=False,
        logging_config=None,
    )


def source(app: faust.App, name: str) -> Any:
    """A topic of the catalogue as raw bytes."""
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
