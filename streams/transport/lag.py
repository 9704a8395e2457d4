"""How much waits for this worker, asked of the broker by a handle of its own: a fetcher that died tells nothing."""

from collections.abc import Callable
from typing import Any, NamedTuple

from streams.transport.queries import Queries


class Backlog(NamedTuple):
    """Records that nobody has taken in hand."""

    claimable: int
    """Nothing keeps the worker from beginning them."""
    held_up: int
    """They wait for running work of their topic to end."""


class Lag:
    """Call from one thread that may wait. `consumer` gives the LogConsumer once the worker runs, None before;
    `full` tells whether no more of a topic can be begun now.
    """

    def __init__(self, queries: Queries, consumer: Callable[[], Any], full: Callable[[str], bool]) -> None:
        self._queries, self._consumer, self._full = queries, consumer, full

    def behind(self) -> Backlog:
        """Records delivered here or waiting in the log. Raises KafkaException where the broker is away."""
        consumer = self._consumer()
        if consumer is None:
            return Backlog(0, 0)
        claimable = held_up = 0
        unclaimed = consumer.unclaimed()
        for partition, offset in consumer.ends_wanted().items():
            waiting = unclaimed.get(partition, 0) + max(0, self._queries.watermarks(partition)[1] - offset)
            if self._full(partition[0]):
                held_up += waiting
            else:
                claimable += waiting
        return Backlog(claimable, held_up)
