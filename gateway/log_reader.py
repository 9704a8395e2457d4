"""The thread that reads Kafka for the whole process: two consumers, assigned by hand.

Partitions of `chat-replies` are read from as far back as a turn can last, so that every running turn is known whole.
`chat-requests` and `chat-turns` are read from where the history stands, by a consumer that lets the broker gather: a
broker answers every fetch for all of its partitions, and nobody waits for the history without saying so.

Questions go over a handle of their own: a broker answers one request of a connection at a time, and a fetch waits for
half a second where nothing comes.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Container, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Any, get_args

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from gateway.history import RECORDED, History, Recorded
from gateway.hub import LONGEST_TURN
from gateway.progress import Place
from sluice.clock import Clock
from sluice.codec import Codec
from sluice.dead_letters import DeadLetters
from sluice.errors import Rejected, Unavailable
from sluice.events import ErasureCompleted, ErasureRequested, Event, ReplyEvent
from sluice.kafka_producer import OnFatal, Producing
from sluice.kafka_records import origin_of
from sluice.logs import Logger, fact
from sluice.metrics import Metrics
from sluice.stores import keep
from sluice.topics import catalogue

REPLIES = "chat-replies"
HISTORY_TOPICS = ("chat-requests", "chat-turns", "erasure-requests")
_BATCH = 500
_RETRY_SECONDS = 0.1
_QUIET_POLLS = 40
"""Two seconds without an error: an idle log says nothing else when it is well again."""
_KAFKA_SECONDS = 5.0
_FORGET_EVERY = timedelta(hours=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_REPLY_EVENTS = get_args(ReplyEvent)
_PARTITION_END = KafkaError._PARTITION_EOF  # noqa: SLF001 (its public name)


@dataclass(slots=True)
class Batch:
    """What came at once: replies, partitions of theirs that are known to the end, how far the history stands."""

    replies: list[ReplyEvent] = field(default_factory=list)
    caught_up: list[int] = field(default_factory=list)
    history: list[Recorded] = field(default_factory=list)
    stored: dict[Place, int] = field(default_factory=dict)
    reached: dict[Place, int] = field(default_factory=dict)

    @property
    def erased(self) -> list[str]:
        """People whose turns are to be forgotten."""
        return [event.user_id for event in self.history if isinstance(event, ErasureRequested | ErasureCompleted)]


@dataclass(slots=True)
class LogReader:
    """`wanted` are the partitions of replies somebody listens to; `follow` tells that they changed."""

    consumer: Consumer
    ask: Callable[[], Consumer]
    """Makes a handle for questions."""
    history_consumer: Consumer
    codec: Codec
    history: History
    producer: Producing
    dead_letters: DeadLetters
    clock: Clock
    metrics: Metrics
    log: Logger
    on_fatal: OnFatal
    wanted: Container[int]
    deliver: Callable[[Batch], None]
    on_loop: Callable[[Coroutine[Any, Any, None]], Any]
    stopping: threading.Event = field(default_factory=threading.Event)
    troubled: bool = False
    _quiet: int = 0
    _commands: SimpleQueue[int] = field(default_factory=SimpleQueue)
    _ends: dict[int, int] = field(default_factory=dict)
    _assigned: set[int] = field(default_factory=set)
    _questions: Consumer | None = None
    _forget_at: datetime = _LONG_AGO

    def follow(self, partition: int) -> None:
        """Look anew whether the partition is wanted. From any thread."""
        self._commands.put(partition)

    def run(self) -> None:
        """Until `stopping` is set. What is no trouble of Kafka's ends the process by `on_fatal`."""
        try:
            self._assign_history(self.history.positions())
            while not self.stopping.is_set():
                self._forget_old()
                self._read_once()
        except Exception as error:
            self.log.error("the reader failed", error=fact(type(error).__name__))
            self.on_fatal(f"reader: {type(error).__name__}")
            return
        self.consumer.close()
        self.history_consumer.close()
        self._ask_no_more()

    def _forget_old(self) -> None:
        now = self.clock()
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_EVERY
            self.history.forget_before((now - keep("gateway-history")).isoformat())

    def _read_once(self) -> None:
        try:
            self._obey()
            first = self.consumer.poll(0.05)
            self._quiet += 1
            if first is not None or self._quiet >= _QUIET_POLLS:
                self.troubled, self._quiet = False, 0
            if first is not None:
                self._take([first, *self.consumer.consume(_BATCH, 0)])
            finished = self.history_consumer.consume(_BATCH, 0)
            if finished:
                self._take(finished)
        except KafkaException as error:
            self.troubled, self._quiet = True, 0
            self.log.warning("the log cannot be read", error=fact(type(error).__name__), reason=fact(str(error)[:200]))

    def _assign_history(self, positions: Mapping[Place, int]) -> None:
        self.history_consumer.incremental_assign(
            [
                TopicPartition(topic, partition, positions.get((topic, partition), OFFSET_BEGINNING))
                for topic in HISTORY_TOPICS
                for partition in range(catalogue()[topic].partitions)
            ]
        )

    def _obey(self) -> None:
        """Carry out what the loop asked for. What Kafka refuses now, while a leader is elected say, is tried again."""
        while not self._commands.empty():
            partition = self._commands.get()
            try:
                self._look_at(partition)
            except KafkaException:
                self._ask_no_more()
                with contextlib.suppress(KafkaException):  # its view of the cluster may be from before a restart
                    self.consumer.list_topics(timeout=_KAFKA_SECONDS)
                self._commands.put(partition)
                self.stopping.wait(_RETRY_SECONDS)
                raise

    def _look_at(self, partition: int) -> None:
        """Bring the assignment in line with what is wanted now.

        Caught up means: at the end of the partition as it was when it was assigned. Kafka's own end-of-partition event
        comes too, but never while somebody keeps writing.
        """
        place = TopicPartition(REPLIES, partition)
        if partition not in self.wanted:
            if partition in self._assigned:
                self.consumer.incremental_unassign([place])
                self._assigned.discard(partition)
                self._ends.pop(partition, None)
        elif partition not in self._assigned:
            since = int((self.clock() - LONGEST_TURN).timestamp() * 1000)
            questions = self._questions = self._questions or self.ask()
            _, end = questions.get_watermark_offsets(place, timeout=_KAFKA_SECONDS)
            (found,) = questions.offsets_for_times([TopicPartition(REPLIES, partition, since)], _KAFKA_SECONDS)
            # Nothing that late: from the end as it was before that was asked, so that nothing falls in between.
            start = found.offset if found.offset >= 0 else end
            self.consumer.incremental_assign([TopicPartition(REPLIES, partition, start)])
            self._assigned.add(partition)
            self._ends[partition] = end
        elif partition not in self._ends:
            self.deliver(Batch(caught_up=[partition]))

    def _ask_no_more(self) -> None:
        """After a restart of all brokers an old handle knows no partition for minutes."""
        if self._questions is not None:
            self._questions.close()
            self._questions = None

    def _take(self, messages: list[Message]) -> None:
        batch = Batch()
        for message in messages:
            error = message.error()
            topic, partition, offset = str(message.topic()), int(message.partition() or 0), int(message.offset() or 0)
            if error is not None:
                self._note(error, topic, partition, offset, batch)
                continue
            event = self._decode(message)
            if self.stopping.is_set():
                return  # what was not read for want of a registry comes again after the next start
            if topic != REPLIES:
                batch.stored[topic, partition] = batch.reached[topic, partition] = offset + 1
            elif offset + 1 >= self._ends.get(partition, offset + 2):
                self._caught_up(partition, batch)
            if isinstance(event, RECORDED):
                batch.history.append(event)
            elif isinstance(event, _REPLY_EVENTS):
                batch.replies.append(event)
        if batch.stored:
            self.history.record(batch.history, batch.stored)
        self.deliver(batch)

    def _note(self, error: KafkaError, topic: str, partition: int, offset: int, batch: Batch) -> None:
        if error.code() != _PARTITION_END:
            self.troubled, self._quiet = True, 0
            self.log.warning("the log cannot be read", reason=fact(error.name()))
        elif topic == REPLIES:
            self._caught_up(partition, batch)
        else:
            batch.reached[topic, partition] = offset

    def _caught_up(self, partition: int, batch: Batch) -> None:
        if self._ends.pop(partition, None) is not None:
            batch.caught_up.append(partition)

    def _decode(self, message: Message) -> Event | None:
        while not self.stopping.is_set():
            try:
                return self.codec.decode(message.value())
            except Rejected as rejected:
                self._put_away(message, rejected)
                return None
            except Unavailable as error:  # the registry is away: wait, nothing may be passed over
                self.troubled = True
                self.log.warning("waiting for what is away", reason=fact(error))
                self.stopping.wait(_RETRY_SECONDS)
        return None

    def _put_away(self, message: Message, rejected: Rejected) -> None:
        """The letter is on the log before the record counts as read."""
        origin = origin_of(message)
        topic, value = self.dead_letters.letter(origin, rejected.reason, rejected.detail)
        posted = self.on_loop(self._post(topic, f"{origin.partition}-{origin.offset}", value, origin.trace_headers))
        while not self.stopping.is_set():
            try:
                posted.result(_RETRY_SECONDS)
            except TimeoutError:
                continue
            break
        self.metrics.count("sluice_dead_letters_total", topic=origin.topic, reason=rejected.reason.value)

    async def _post(self, topic: str, key: str, value: bytes, headers: Any) -> None:
        while True:
            try:
                await (await self.producer.put(topic, key, value, headers))
            except Unavailable:
                await asyncio.sleep(_RETRY_SECONDS)
            except Rejected as rejected:
                self.log.error("a dead letter is too large", topic=fact(topic), reason=fact(rejected))
                return
            else:
                return
