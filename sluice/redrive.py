"""Dead letters back to where they came from, each once.

What was put back is noted in the dead-letter topic as soon as the log has acknowledged it, so the memory lives as long
as the letter. Where a note is missing, the origin topic is searched for the letter's id, which a record put back
carries in a header: so it may be run again after a crash, as long as the origin topic still holds what was put back.
Two runs at the same time do not see each other and may both put a letter back.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition

from sluice.acknowledged import AcknowledgedWriter, Record
from sluice.dead_letter_topics import REDRIVEN, redriven_ids
from sluice.errors import Unavailable
from sluice.events import DeadLetter
from sluice.kafka_access import ADMIN_GROUP
from sluice.kafka_config import Headers, Servers, consumer_config
from sluice.letter_box import take_out
from sluice.sealing import CannotOpen
from sluice.topics import dead_letter_topic
from sluice.tracing import HEADER

Outcome = Literal["put back", "was back already", "has no bytes", "cannot be opened", "not acknowledged"]
_SECONDS = 10.0
_BATCH = 1000
_AT_ONCE = 100
"""Letters between two looks for delivery reports: so many notes are missing after a crash, at most."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of one letter."""

    letter: DeadLetter
    outcome: Outcome


def redrive(
    letters: Iterable[DeadLetter], noted: Collection[str], bootstrap_servers: Servers, private_key: bytes
) -> list[Redriven]:
    """Put each letter's record back into its partition, with its key and its trace, and note it.

    `noted` are the ids of letters that are back. Raises Unavailable where the log does not answer; what was put back
    before stays there and is found next time.
    """
    wanted = list(letters)
    writer = AcknowledgedWriter(bootstrap_servers, "sluice-redrive")
    found = _already_back([letter for letter in wanted if letter.event_id not in noted], bootstrap_servers)
    _note([letter for letter in wanted if letter.event_id in found], writer)
    results = []
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        results += _put_back(some, {*noted, *found}, writer, private_key)
    return results


def _put_back(
    letters: list[DeadLetter], back: Collection[str], writer: AcknowledgedWriter, private_key: bytes
) -> list[Redriven]:
    outcomes: dict[str, Outcome] = {}
    records = []
    for letter in letters:
        record = "was back already" if letter.event_id in back else _record(letter, private_key)
        if isinstance(record, Record):
            records.append(record)
        else:
            outcomes[letter.event_id] = record
    acknowledged = writer.write(records)
    _note([letter for letter in letters if letter.event_id in acknowledged], writer)
    for record in records:
        outcomes[record.name] = "put back" if record.name in acknowledged else "not acknowledged"
    return [Redriven(letter, outcomes[letter.event_id]) for letter in letters]


def _record(letter: DeadLetter, private_key: bytes) -> Record | Literal["has no bytes", "cannot be opened"]:
    if letter.value is None:
        return "has no bytes"
    try:
        value = take_out(private_key, letter.value)
        key = None if letter.key is None else take_out(private_key, letter.key)
    except CannotOpen:
        return "cannot be opened"
    headers: Headers = [(HEADER, letter.traceparent.encode()), (REDRIVEN, letter.event_id.encode())]
    return Record(letter.event_id, letter.origin_topic, letter.origin_partition, key, value, headers)


def _note(letters: list[DeadLetter], writer: AcknowledgedWriter) -> None:
    notes = [
        Record(
            letter.event_id,
            dead_letter_topic(letter.origin_topic),
            0,
            f"{letter.origin_partition}-{letter.origin_offset}".encode(),
            None,
            [(REDRIVEN, letter.event_id.encode())],
        )
        for letter in letters
    ]
    if len(writer.write(notes)) < len(notes):
        raise Unavailable(
            "Records are back, but Kafka did not acknowledge the notes that say so. Run the command again before the "
            "origin topic's retention ends: it finds them there and writes the notes."
        )


def _already_back(letters: list[DeadLetter], bootstrap_servers: Servers) -> set[str]:
    """Ids of letters whose record is in its origin partition again."""
    first: dict[tuple[str, int], int] = {}
    for letter in letters:
        place = (letter.origin_topic, letter.origin_partition)
        first[place] = min(first.get(place, letter.origin_offset), letter.origin_offset)
    reader = Consumer(consumer_config(bootstrap_servers, "sluice-redrive", ADMIN_GROUP))
    try:
        return _search(reader, first) & {letter.event_id for letter in letters}
    except KafkaException as error:
        raise Unavailable(f"kafka: {error.args[0].name()}") from error
    finally:
        reader.close()


def _search(reader: Consumer, first: dict[tuple[str, int], int]) -> set[str]:
    ends: dict[tuple[str, int], int] = {}
    starts = []
    for place, origin_offset in first.items():
        low, high = reader.get_watermark_offsets(TopicPartition(*place), timeout=_SECONDS)
        start = max(low, origin_offset + 1)
        if start < high:
            ends[place] = high
            starts.append(TopicPartition(*place, start))
    reader.assign(starts)
    found: set[str] = set()
    while ends:
        message = reader.poll(_SECONDS)
        if message is None:
            raise Unavailable("Kafka stopped answering while the topics were searched for what is back already.")
        for one in [message, *reader.consume(_BATCH, 0)]:
            error = one.error()
            if error is not None:
                raise KafkaException(error)
            found |= redriven_ids(cast(Headers, one.headers() or []))
            place = (str(one.topic()), int(one.partition() or 0))
            if int(one.offset() or 0) + 1 >= ends.get(place, 0):
                ends.pop(place, None)
    return found
