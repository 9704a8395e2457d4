"""What Faust asks of a consumer and this transport does elsewhere, or not at all."""

from typing import Any

from faust.transport.consumer import Consumer
from faust.types import TP

from streams.transport.queries import Queries


class FaustDuties(Consumer):  # type: ignore[misc]
    """`_queries` is set by the consumer."""

    consumer_stopped_errors = ()
    _queries: Queries

    def close(self) -> None:
        """Faust calls this where a rebalance meets a stopping worker; `on_stop` does the work."""

    async def verify_all_partitions_active(self) -> None:
        """Faust's own look at liveness; ours is streams.watchdog, which asks the broker."""

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is created by a worker: `sluice topics apply` does."""

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions; None where there is no such topic."""
        return self._queries.partition_count(topic)

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Where a key lives."""
        return partition if partition is not None else self.app.producer.key_partition(topic, key).partition
