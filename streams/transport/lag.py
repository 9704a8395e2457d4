"""How much waits for this worker, asked of the broker by a handle of its own: a fetcher that died tells nothing."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from sluice.kafka_config import consumer_config

_SECONDS = 3.0


class Lag:
    """Call from one thread that may wait. `consumer` gives the LogConsumer once Faust has made it."""

    def __init__(self, bootstrap_servers: str, consumer: Callable[[], Any]) -> None:
        self._servers, self._consumer = bootstrap_servers, consumer
        self._handle: Consumer | None = None

    def behind(self) -> int:
        """Records unfinished here and waiting in the log. Raises KafkaException where the broker is away."""
        if self._handle is None:
            self._handle = Consumer(consumer_config(self._servers, "sluice-lag", "sluice-lag"))
        consumer = self._consumer()
        waiting = 0
        try:
            for (topic, partition), offset in consumer.ends_wanted().items():
                _, end = self._handle.get_watermark_offsets(TopicPartition(topic, partition), timeout=_SECONDS)
                waiting += max(0, end - offset)
        except KafkaException:
            self._handle = None  # an old handle may not notice that the brokers are back
            raise
        return int(consumer.unfinished()) + waiting
