"""Requests to erase a person, and the word that it is done: what commands read and write of `erasure-requests`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from confluent_kafka import Consumer, KafkaError, TopicPartition

from sluice.acknowledged import AcknowledgedWriter, Record
from sluice.catalogue_file import TopicName
from sluice.codec import Codec
from sluice.errors import Rejected, Unavailable
from sluice.events import ErasureCompleted, ErasureRequested
from sluice.ids import new_id
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import Servers, consumer_config
from sluice.tracing import HEADER, new_traceparent

TOPIC: Final[TopicName] = "erasure-requests"
PARTITION = 0
_POLL_SECONDS = 0.5


def requested(user_id: str, requested_by: str, now: datetime) -> ErasureRequested:
    """A new request."""
    return ErasureRequested(
        event_id=new_id(), occurred_at=now, traceparent=new_traceparent(), user_id=user_id, requested_by=requested_by
    )


@dataclass(frozen=True, slots=True)
class ErasureLog:
    """Every call blocks and raises Unavailable where the log does not answer."""

    kafka: Servers
    group: str
    codec: Codec

    def request(self, request: ErasureRequested) -> int:
        """Put it on the log. Gives an offset that lies before its completion."""
        before = KafkaAdmin(self.kafka).ends({TOPIC: 1})[TOPIC, PARTITION]
        headers: list[tuple[str, str | bytes | None]] = [(HEADER, request.traceparent.encode())]
        record = Record("request", TOPIC, PARTITION, request.user_id.encode(), self.codec.encode(request), headers)
        if not AcknowledgedWriter(self.kafka, "sluice-erase").write([record]):
            raise Unavailable("Kafka did not acknowledge the request. Run the command again: it may be repeated.")
        return before

    def completion(
        self, request_id: str, start: int, seconds: float, waited: Callable[[float], None]
    ) -> ErasureCompleted | None:
        """The word that a request was carried out; None where it takes longer. `waited` hears the seconds so far."""
        own: dict[str, str | int] = {"enable.partition.eof": True}
        reader = Consumer(consumer_config(self.kafka, "sluice-erase", self.group, own))
        begun = time.monotonic()
        try:
            reader.assign([TopicPartition(TOPIC, PARTITION, start)])
            while (passed := time.monotonic() - begun) < seconds:
                waited(passed)
                message = reader.poll(_POLL_SECONDS)
                if message is None or not _readable(message.error()):
                    continue
                found = self._completed(message.value())
                if found is not None and found.request_id == request_id:
                    return found
        finally:
            reader.close()
        return None

    def _completed(self, value: bytes | None) -> ErasureCompleted | None:
        try:
            event = self.codec.decode(value)
        except Rejected:
            return None
        return event if isinstance(event, ErasureCompleted) else None


def _readable(error: KafkaError | None) -> bool:
    """Whether a record came. Raises Unavailable for what is neither a record nor the end."""
    if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 (librdkafka's own name)
        raise Unavailable(f"Kafka does not give the topic {TOPIC}: {error.name()}.")
    return error is None
