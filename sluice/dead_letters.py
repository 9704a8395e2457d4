"""What becomes of a record that cannot be used: a `DeadLetter` event on `<topic>-dlq`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sluice.clock import Clock
from sluice.codec import Codec
from sluice.errors import RejectReason
from sluice.events import DeadLetter
from sluice.ids import derived_event_id
from sluice.kafka_config import Headers
from sluice.letter_box import put_in
from sluice.topics import dead_letter_topic
from sluice.tracing import HEADER, is_traceparent, new_traceparent

LARGEST_BYTES = 900_000
"""Of key and value together, so that the letter itself stays below the log's limit of 1 MB."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record came from, with what it held."""

    topic: str
    partition: int
    offset: int
    timestamp: datetime
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def trace_headers(self) -> Headers:
        """The only headers that go on with a letter: the others may hold anything, and so may a false trace."""
        return [(name, value) for name, value in self.headers if name == HEADER and is_traceparent(value)]

    @property
    def traceparent(self) -> str | None:
        """From the record's header."""
        return next((v.decode() for _, v in self.trace_headers if isinstance(v, bytes)), None)


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Writes dead letters for one consumer group. A record met again gives the same `event_id`."""

    codec: Codec
    public_key: bytes
    consumer_group: str
    clock: Clock
    new_trace: Callable[[], str] = new_traceparent

    def letter(self, origin: Origin, reason: RejectReason, detail: str) -> tuple[str, bytes]:
        """Topic and value to produce. `detail` must hold no content. Too large a record goes without its bytes."""
        key, value = origin.key, origin.value
        size = len(key or b"") + len(value or b"")
        if size > LARGEST_BYTES:
            key = value = None
            reason, detail = RejectReason.RECORD_TOO_LARGE, f"{reason.value}: {detail}; {size} bytes left out"
        event = DeadLetter(
            event_id=derived_event_id(
                "dead-letter", self.consumer_group, origin.topic, origin.partition, origin.offset
            ),
            occurred_at=self.clock(),
            traceparent=origin.traceparent or self.new_trace(),
            reason=reason.value,
            detail=detail,
            consumer_group=self.consumer_group,
            origin_topic=origin.topic,
            origin_partition=origin.partition,
            origin_offset=origin.offset,
            origin_timestamp=origin.timestamp,
            key=None if key is None else put_in(self.public_key, key),
            value=None if value is None else put_in(self.public_key, value),
        )
        return dead_letter_topic(origin.topic), self.codec.encode(event)
