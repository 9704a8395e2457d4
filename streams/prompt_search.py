"""A past turn's prompts, made again from the log alone, and proved by their hash."""

from collections.abc import Iterator
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, TopicPartition

from agents.ports import PromptMessage
from agents.prompting import fingerprint, messages_again
from agents.summary import summary_messages
from sluice.codec import Codec
from sluice.errors import Rejected, Unavailable
from sluice.events import AttemptReset, AttemptStarted, DeltaProduced, Event, PromptReady, TurnEvent
from sluice.safe_text import EMPTY, SafeText, join
from sluice.topics import topic_of

_SECONDS = 10.0
_BATCH = 1000
_EVENTS = ("PromptReady", "AttemptStarted")


@dataclass(frozen=True, slots=True)
class PastPrompt:
    """What one attempt sent. `proved` is False where the hash on the log is another: an attempt of an older release."""

    attempt: int
    attempt_id: str
    model: str
    messages: tuple[PromptMessage, ...]
    proved: bool


def prompts_of(turn_id: str, events: Iterator[Event]) -> list[PastPrompt]:
    """All attempts of the turn in their order. Empty where the log has no prompt of it."""
    ready: PromptReady | None = None
    starts: dict[str, AttemptStarted] = {}
    said: dict[str, SafeText] = {}
    for event in events:
        if not isinstance(event, TurnEvent) or event.turn_id != turn_id:
            continue
        if isinstance(event, PromptReady):
            ready = event
        elif isinstance(event, AttemptStarted):
            starts[event.attempt_id] = event
        elif isinstance(event, DeltaProduced):
            said[event.attempt_id] = join((said.get(event.attempt_id, EMPTY), event.text))
        elif isinstance(event, AttemptReset):
            said[event.attempt_id] = EMPTY
    if ready is None:
        return []
    found = []
    for started in starts.values():
        if started.prompt_hash:
            summing_up = started.purpose == "summary"
            before = said.get(started.continues, EMPTY)
            dropped = started.dropped_turns
            messages = summary_messages(ready, dropped) if summing_up else messages_again(ready, started, before)
            proved = fingerprint(messages) == started.prompt_hash
            found.append(PastPrompt(started.attempt, started.attempt_id, started.model, messages, proved))
    return found


def read_all(reader: Consumer, codec: Codec) -> Iterator[Event]:
    """Every event of the prompts and replies that the log still has. Raises Unavailable."""
    try:
        yield from _read(reader, codec)
    except KafkaException as error:
        raise Unavailable(f"kafka: {error.args[0].name()}") from error


def _read(reader: Consumer, codec: Codec) -> Iterator[Event]:
    for topic in map(topic_of, _EVENTS):  # prompts first: an attempt is made again from its prompt
        known = reader.list_topics(topic, _SECONDS).topics[topic].partitions
        ends: dict[int, int] = {}
        starts = []
        for partition in known:
            low, high = reader.get_watermark_offsets(TopicPartition(topic, partition), timeout=_SECONDS)
            if low < high:
                ends[partition] = high
                starts.append(TopicPartition(topic, partition, low))
        reader.assign(starts)
        while ends:
            first = reader.poll(_SECONDS)
            if first is None:
                raise Unavailable("Kafka stopped answering. Look at it with `make status`.")
            for message in [first, *reader.consume(_BATCH, 0)]:
                failure = message.error()
                if failure is not None:
                    raise KafkaException(failure)
                partition = int(message.partition() or 0)
                if int(message.offset() or 0) + 1 >= ends.get(partition, 0):
                    ends.pop(partition, None)
                try:
                    yield codec.decode(message.value())
                except Rejected:
                    continue  # it is in the dead letters
