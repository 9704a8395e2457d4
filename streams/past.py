"""What the log says of turns that may have been begun before: the tails of replies, ledger and controls.

Only turns that are delivered anew are looked up, so a quiet platform reads nothing here.
"""

import asyncio
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import get_args

from confluent_kafka import Consumer, KafkaException, TopicPartition

from agents.ports import Earlier
from sluice.codec import Codec
from sluice.errors import Rejected, Unavailable
from sluice.events import AttemptMetered, AttemptStarted, Event, PromptReady, ReplyEvent, StopRequested, TurnFinished
from sluice.kafka_config import consumer_config
from sluice.replies import Reply, reply_of
from sluice.topics import topic_of

_REPLY_EVENTS = get_args(ReplyEvent)
_TOPICS = tuple(topic_of(event.__name__) for event in (AttemptStarted, AttemptMetered, StopRequested, TurnFinished))
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
    """A handle of its own, used by one thread at a time; a partition's tail is read once and then only continued."""

    def __init__(self, bootstrap_servers: str, codec: Codec) -> None:
        self._servers, self._codec = bootstrap_servers, codec
        self._consumer: Consumer | None = None
        self._tails: dict[int, _Tail] = {}
        self._one_at_a_time = asyncio.Lock()

    async def of(self, ready: PromptReady, partition: int) -> Earlier:
        """All that is known of a turn now. Raises Unavailable where the log cannot be read."""
        since = int((ready.hops[0].entered_at - _MARGIN).timestamp() * 1000)
        async with self._one_at_a_time:
            try:
                tail = await asyncio.to_thread(self._read_on, partition, since)
            except (KafkaException, Unavailable) as error:
                self._consumer = None  # an old handle may not notice that the brokers are back
                self._tails.pop(partition, None)
                if isinstance(error, Unavailable):
                    raise
                raise Unavailable(f"kafka: {error.args[0].name()}") from error
        reply = tail.replies.get(ready.turn_id)
        return Earlier(
            copy(reply),
            tail.finished.get(ready.turn_id),
            frozenset(tail.metered.get(ready.turn_id, ())),
            ready.turn_id in tail.stopped,
        )

    def forget(self) -> None:
        """Partitions have moved: what was read may be long ago, and memory is dear."""
        self._tails.clear()

    def _read_on(self, partition: int, since_ms: int) -> _Tail:
        if self._consumer is None:
            self._consumer = Consumer(consumer_config(self._servers, "sluice-past", "sluice-past"))
        tail = self._tails.get(partition)
        if tail is None or since_ms < tail.since_ms:
            tail = self._tails[partition] = _Tail(since_ms, self._starts(partition, since_ms))
        ends = {topic: self._end(topic, partition) for topic in _TOPICS}
        unread = {topic for topic in _TOPICS if tail.positions[topic] < ends[topic]}
        if unread:
            self._consumer.assign([TopicPartition(topic, partition, tail.positions[topic]) for topic in unread])
            while unread:
                first = self._consumer.poll(_SECONDS)
                if first is None:
                    raise Unavailable("the log does not answer")
                for message in [first, *self._consumer.consume(_BATCH, 0)]:
                    error = message.error()
                    if error is not None:
                        raise KafkaException(error)
                    topic, offset = str(message.topic()), int(message.offset() or 0)
                    tail.positions[topic] = offset + 1
                    if offset + 1 >= ends[topic]:
                        unread.discard(topic)
                    self._take(tail, message.value())
            self._consumer.unassign()
        return tail

    def _take(self, tail: _Tail, value: bytes | None) -> None:
        try:
            tail.take(self._codec.decode(value))
        except Rejected:
            return  # whoever reads the topic for good puts it away

    def _starts(self, partition: int, since_ms: int) -> dict[str, int]:
        assert self._consumer is not None
        asked = [TopicPartition(topic, partition, since_ms) for topic in _TOPICS]
        found = self._consumer.offsets_for_times(asked, timeout=_SECONDS)
        return {one.topic: one.offset if one.offset >= 0 else self._end(one.topic, partition) for one in found}

    def _end(self, topic: str, partition: int) -> int:
        assert self._consumer is not None
        return int(self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_SECONDS)[1])
