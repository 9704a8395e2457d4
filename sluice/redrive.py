"""Dead letters back to where they came from, each at most once.

The log itself remembers: a record put back carries the letter's id in a header, and before anything is put back the
origin topic is searched for it. So it may be run again after a crash, and from another machine.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from sluice.errors import Unavailable
from sluice.events import DeadLetter
from sluice.kafka_config import Headers, consumer_config, producer_config
from sluice.letter_box import take_out
from sluice.sealing import CannotOpen
from sluice.tracing import HEADER

REDRIVEN = "sluice-redriven"
"""Header with the `event_id` of the letter."""
Outcome = Literal["put back", "was back already", "has no bytes", "cannot be opened"]
_SECONDS = 10.0
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of one letter."""

    letter: DeadLetter
    outcome: Outcome


def redrive(letters: Iterable[DeadLetter], bootstrap_servers: str, private_key: bytes) -> list[Redriven]:
    """Put each letter's record back into its partition, with its key and its trace.

    Raises Unavailable where the log does not answer; what was put back before stays there and is found next time.
    """
    wanted = list(letters)
    back = _already_back(wanted, bootstrap_servers)
    producer = Producer(producer_config(bootstrap_servers, "sluice-redrive"))
    results = []
    for letter in wanted:
        outcome = "was back already" if letter.event_id in back else _put_back(letter, producer, private_key)
        results.append(Redriven(letter, outcome))
    if producer.flush(_SECONDS):
        raise Unavailable("Kafka did not acknowledge every record. Run the command again: none is put back twice.")
    return results


def _put_back(letter: DeadLetter, producer: Producer, private_key: bytes) -> Outcome:
    if letter.value is None:
        return "has no bytes"
    try:
        value = take_out(private_key, letter.value)
        key = None if letter.key is None else take_out(private_key, letter.key)
    except CannotOpen:
        return "cannot be opened"
    headers: Headers = [(HEADER, letter.traceparent.encode()), (REDRIVEN, letter.event_id.encode())]
    producer.produce(letter.origin_topic, value, key, partition=letter.origin_partition, headers=headers)
    return "put back"


def _already_back(letters: list[DeadLetter], bootstrap_servers: str) -> set[str]:
    """Ids of letters whose record is in its origin partition again."""
    first: dict[tuple[str, int], int] = {}
    for letter in letters:
        place = (letter.origin_topic, letter.origin_partition)
        first[place] = min(first.get(place, letter.origin_offset), letter.origin_offset)
    reader = Consumer(consumer_config(bootstrap_servers, "sluice-redrive", "sluice-redrive"))
    try:
        return _search(reader, first)
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
            found |= _ids(one)
            place = (str(one.topic()), int(one.partition() or 0))
            if int(one.offset() or 0) + 1 >= ends.get(place, 0):
                ends.pop(place, None)
    return found


def _ids(message: Message) -> set[str]:
    headers = cast(Headers, message.headers() or [])
    return {value.decode(errors="replace") for name, value in headers if name == REDRIVEN and isinstance(value, bytes)}
