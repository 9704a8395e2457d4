"""How much waits for this worker, asked of the broker by a handle of its own: a fetcher that died tells nothing."""

from collections.abc import Callable
from typing import Any

from streams.transport.queries import Queries


class Lag:
    """Call from one thread that may wait. `consumer` gives the LogConsumer once the worker runs, None before."""

    def __init__(self, queries: Queries, consumer: Callable[[], Any]) -> None:
        self._queries, self._consumer = queries, consumer

    def behind(self) -> int:
        """Records unfinished here and waiting in the log. Raises KafkaException where the broker is away."""
        consumer = self._consumer()
        if consumer is None:
            return 0
        waiting = 0
        for partition, offset in consumer.ends_wanted().items():
            waiting += max(0, self._queries.watermarks(partition)[1] - offset)
        return int(consumer.unfinished()) + waiting
