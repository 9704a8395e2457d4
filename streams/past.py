"""What the log says of turns that may have been begun before: the tails of replies, ledger and controls.

Only turns that are delivered anew are looked up, so a quiet platform reads nothing here.
"""

import asyncio
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import get_args

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from agents.ports import Earlier
from sluice.codec import Codec
from sluice.errors import Rejected, Unavailable
from sluice.events import AttemptMetered, Event, PromptReady, ReplyEvent, StopRequested, TurnFinished
from sluice.kafka_config import Servers, consumer_config
from sluice.replies import Reply, reply_of
from sluice.topics import topic_of
from streams.transport.queries import Queries

_REPLY_EVENTS = get_args(ReplyEvent)
_EVENTS = ("AttemptStarted", "AttemptMetered", "StopRequested", "TurnFinished")
_MARGIN = timedelta(seconds=30)
"""Clocks of hosts differ; the log's own times decide where to begin."""
_SECONDS = 10.0
_BATCH = 1000


@dataclass(slots=True)
class _Tail:
    """One partition, read from `since_ms` to `positions`."""

    since_ms: int
    positions: dict[str, int]
    replies: dict[str, Reply] = field(default_factory=dict)
    metered: dict[str, set[str]] = field(default_factory=dict)
    finished: dict[str, TurnFinished] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)

    def take(self, event: Event) -> None:
        """Note one event."""
        if isinstance(event, _REPLY_EVENTS):
            reply = self.replies.get(event.turn_id)
            if reply is None:
                reply = self.replies[event.turn_id] = reply_of(event)
            reply.apply(event)
        elif isinstance(event, TurnFinished):
            known = self.finished.get(event.turn_id)
            if known is None or (event.epoch, event.attempts) > (known.epoch, known.attempts):
                self.finished[event.turn_id] = event
        elif isinstance(event, AttemptMetered):
            self.metered.setdefault(event.turn_id, set()).add(event.attempt_id)
        elif isinstance(event, StopRequested):
            self.stopped.add(event.turn_id)


class Past:
    """A partition's tail is read once and then only continued. Partitions are read side by side."""

    def __init__(self, bootstrap_servers: Servers, codec: Codec) -> None:
        self._config, self._codec = consumer_config(bootstrap_servers, "sluice-past", "sluice-respond"), codec
        self._shelves: dict[int, _Shelf] = {}

    async def of(self, ready: PromptReady, partition: int) -> Earlier:
        """All that is known of a turn now. Raises Unavailable where the log cannot be read."""
        since = int((ready.hops[0].entered_at - _MARGIN).timestamp() * 1000)
        shelf = self._shelves.setdefault(partition, _Shelf(partition, Queries(self._config), self._codec))
        async with shelf.one_at_a_time:
            try:
                tail = await asyncio.to_thread(shelf.read_on, since)
            except KafkaException as error:
                raise Unavailable(f"kafka: {error.args[0].name()}") from error
        reply = tail.replies.get(ready.turn_id)
        return Earlier(
            deepcopy(reply),
            tail.finished.get(ready.turn_id),
            frozenset(tail.metered.get(ready.turn_id, ())),
            ready.turn_id in tail.stopped,
        )

    def forget(self, partitions: Iterable[int]) -> None:
        """These have another owner: memory and handles are dear, and what was read will be long ago."""
        for partition in partitions:
            self._shelves.pop(partition, None)


@dataclass(slots=True)
class _Shelf:
    """One partition with a handle of its own."""

    partition: int
    queries: Queries
    codec: Codec
    tail: _Tail | None = None
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def read_on(self, since_ms: int) -> _Tail:
        """Up to the ends as they are now. Waits. Raises KafkaException, after which all is read anew."""
        tail, self.tail = self.tail, None
        topics = [*map(topic_of, _EVENTS)]
        if tail is None or since_ms < tail.since_ms:
            tail = _Tail(since_ms, self.queries.since(topics, self.partition, since_ms))
        ends = {topic: self.queries.watermarks((topic, self.partition))[1] for topic in topics}
        unread = {topic for topic in topics if tail.positions[topic] < ends[topic]}
        if unread:
            with self.queries.handle() as handle:
                self._read(handle, tail, unread, ends)
        self.tail = tail
        return tail

    def _read(self, handle: Consumer, tail: _Tail, unread: set[str], ends: Mapping[str, int]) -> None:
        handle.assign([TopicPartition(topic, self.partition, tail.positions[topic]) for topic in unread])
        while unread:
            first = handle.poll(_SECONDS)
            if first is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 (the public name of the code)
            for message in [first, *handle.consume(_BATCH, 0)]:
                error = message.error()
                if error is not None:
                    raise KafkaException(error)
                topic, offset = str(message.topic()), int(message.offset() or 0)
                tail.positions[topic] = offset + 1
                if offset + 1 >= ends[topic]:
                    unread.discard(topic)
                self._take(tail, message.value())
        handle.unassign()

    def _take(self, tail: _Tail, value: bytes | None) -> None:
        try:
            tail.take(self.codec.decode(value))
        except Rejected:
            return  # whoever reads the topic for good puts it away
