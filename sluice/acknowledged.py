"""A producer for commands: nothing counts as written before the log has said so."""

from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from sluice.kafka_config import Config, Headers, Servers, producer_config

_TIME_OUT: Config = {"delivery.timeout.ms": 10_000}
"""After which the log's silence is a no."""


@dataclass(frozen=True, slots=True)
class Record:
    """To be written. `name` is the caller's own."""

    name: str
    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class AcknowledgedWriter:
    """Waits for the delivery report of each record."""

    def __init__(self, bootstrap_servers: Servers, client_id: str) -> None:
        self._producer = Producer(producer_config(bootstrap_servers, client_id) | _TIME_OUT)

    def write(self, records: Iterable[Record]) -> set[str]:
        """Names of the records that the log has. The others may be there all the same: a report can be lost."""
        acknowledged: set[str] = set()
        for record in records:
            self._hand_over(record, acknowledged)
        self._producer.flush()
        return acknowledged

    def _hand_over(self, record: Record, acknowledged: set[str]) -> None:
        def report(error: KafkaError | None, _message: Message) -> None:
            if error is None:
                acknowledged.add(record.name)

        while True:
            try:
                self._producer.produce(
                    record.topic,
                    record.value,
                    record.key,
                    record.partition,
                    on_delivery=report,
                    headers=list(record.headers),
                )
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException:
                return
            else:
                return
