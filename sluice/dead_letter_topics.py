"""What the dead-letter topics hold: letters, and notes of the letters whose record was put back.

A note is a record without a value in the letter's partition, with the letter's id in the header `sluice-redriven`.
It is younger than its letter, so the log keeps it for longer.
"""

import contextlib
from dataclasses import dataclass
from typing import cast

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from sluice.codec import Codec
from sluice.errors import Rejected, Unavailable
from sluice.events import DeadLetter
from sluice.kafka_access import OPERATOR_GROUP
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import Headers, Servers, consumer_config
from sluice.topics import DEAD_LETTER_SUFFIX, catalogue

REDRIVEN = "sluice-redriven"
"""Header with the `event_id` of a letter: of a record that was put back, and of the note about it."""
_SILENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Held:
    """Letters by time, each once, and the ids of those with a note."""

    letters: list[DeadLetter]
    noted: frozenset[str]


def redriven_ids(headers: Headers) -> set[str]:
    """Ids in the header, none or one."""
    return {value.decode(errors="replace") for name, value in headers if name == REDRIVEN and isinstance(value, bytes)}


def is_note(topic: str, value: bytes | None, headers: Headers) -> bool:
    """Whether a record of any topic is a note. Notes are no events: readers pass over them."""
    return value is None and topic.endswith(DEAD_LETTER_SUFFIX) and bool(redriven_ids(headers))


def read(bootstrap_servers: Servers, codec: Codec) -> Held:
    """All letters and notes. A record that is neither is passed over. Raises Unavailable."""
    admin = KafkaAdmin(bootstrap_servers)
    existing = admin.partitions()
    topics = {name: existing[name] for name in catalogue() if name.endswith(DEAD_LETTER_SUFFIX) and name in existing}
    left = {place: end for place, end in admin.ends(topics).items() if end}
    reader = Consumer(consumer_config(bootstrap_servers, "sluice-dlq", OPERATOR_GROUP, {"enable.partition.eof": True}))
    letters: dict[str, DeadLetter] = {}
    noted: set[str] = set()
    try:
        reader.assign([TopicPartition(*place, 0) for place in left])
        while left:
            message = reader.poll(_SILENCE_SECONDS)
            if message is None:
                raise Unavailable("Kafka stopped answering while the dead letters were read.")
            if not _ends_partition(message):
                noted |= redriven_ids(cast(Headers, message.headers() or []))
                with contextlib.suppress(Rejected):
                    event = codec.decode(message.value())
                    if isinstance(event, DeadLetter):
                        letters[event.event_id] = event
                if int(message.offset() or 0) + 1 < left.get(_place(message), 0):
                    continue
            left.pop(_place(message), None)
    finally:
        reader.close()
    return Held(sorted(letters.values(), key=lambda letter: letter.occurred_at), frozenset(noted))


def _place(message: Message) -> tuple[str, int]:
    return str(message.topic()), int(message.partition() or 0)


def _ends_partition(message: Message) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 (librdkafka's own name)
        return True
    raise Unavailable(f"Kafka does not give the dead letters: {error.name()}.")
