"""Kafka's side of the gateway: one consumer for all sockets, assigned by hand, and one producer.

Partitions of `chat-replies` are read while somebody listens to a session in them, from as far back as a turn can
last, so that every running turn is known whole. `chat-requests` and `chat-turns` feed the history.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from queue import SimpleQueue
from typing import get_args

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from gateway.history import History
from gateway.hub import Hub
from sluice.clock import Clock
from sluice.codec import Codec
from sluice.dead_letters import DeadLetters
from sluice.errors import Rejected, Unavailable
from sluice.events import ChatRequested, Event, ReplyEvent, TurnFinished
from sluice.kafka_config import consumer_config
from sluice.kafka_producer import KafkaProducer, OnFatal
from sluice.kafka_records import origin_of
from sluice.logs import Logger
from sluice.metrics import Metrics
from sluice.partitioning import partition_for
from sluice.topics import catalogue

_REPLIES = "chat-replies"
_HISTORY_TOPICS = ("chat-requests", "chat-turns")
_LONGEST_TURN = timedelta(minutes=10)
_BATCH = 500
_RETRY_SECONDS = 0.1
_REPLY_EVENTS = get_args(ReplyEvent)
_PARTITION_END = -191  # RD_KAFKA_RESP_ERR__PARTITION_EOF
Command = Callable[[], None]


class Bridge:
    """The consumer lives in a thread of its own; the hub is only touched on the event loop."""

    def __init__(
        self,
        bootstrap_servers: str,
        codec: Codec,
        hub: Hub,
        history: History,
        producer: KafkaProducer,
        dead_letters: DeadLetters,
        clock: Clock,
        metrics: Metrics,
        log: Logger,
        on_fatal: OnFatal = lambda _reason: None,
    ) -> None:
        self._codec, self._hub, self._history, self._producer = codec, hub, history, producer
        self._dead_letters, self._clock, self._metrics, self._log = dead_letters, clock, metrics, log
        self._consumer = Consumer(
            consumer_config(bootstrap_servers, "sluice-gateway", "sluice-gateway", {"enable.partition.eof": True})
        )
        self._commands: SimpleQueue[Command] = SimpleQueue()
        self._wanted: Counter[int] = Counter()
        self._caught_up: dict[int, asyncio.Event] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read, name="gateway-reader", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_fatal = on_fatal
        self._troubled = False
        self._assigned: set[int] = set()
        self._ends: dict[int, int] = {}
        self._partitions = catalogue()[_REPLIES].partitions

    @property
    def healthy(self) -> bool:
        """The reader lives and the last word of Kafka was no error."""
        return self._thread.is_alive() and not self._troubled

    def start(self) -> None:
        """Begin reading, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._commands.put(self._assign_history)
        self._thread.start()

    async def stop(self) -> None:
        """Leave the log."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join, 5.0)

    async def want(self, session_id: str) -> None:
        """Read the partition of a session; returns once its running turns are known. Pair with `release`."""
        partition = partition_for(session_id, self._partitions)
        self._wanted[partition] += 1
        if self._wanted[partition] == 1:
            self._caught_up.setdefault(partition, asyncio.Event())
            self._commands.put(lambda: self._follow(partition))
        await asyncio.wait_for(self._caught_up[partition].wait(), 10.0)

    def release(self, session_id: str) -> None:
        """The reader of a session has gone."""
        partition = partition_for(session_id, self._partitions)
        self._wanted[partition] -= 1
        if self._wanted[partition] <= 0:
            del self._wanted[partition]
            self._commands.put(lambda: self._follow(partition))

    def _assign_history(self) -> None:
        positions = self._history.positions()
        self._consumer.incremental_assign(
            [
                TopicPartition(topic, partition, positions.get((topic, partition), OFFSET_BEGINNING))
                for topic in _HISTORY_TOPICS
                for partition in range(catalogue()[topic].partitions)
            ]
        )

    def _follow(self, partition: int) -> None:
        """Bring the assignment in line with what is wanted now.

        Caught up means: at the end of the partition as it was when it was assigned. Kafka's own end-of-partition event
        comes too, but never while somebody keeps writing.
        """
        wanted = partition in self._wanted
        if wanted == (partition in self._assigned):
            return
        if not wanted:
            self._consumer.incremental_unassign([TopicPartition(_REPLIES, partition)])
            self._assigned.discard(partition)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._left, partition)
            return
        since = int((self._clock() - _LONGEST_TURN).timestamp() * 1000)
        found = self._consumer.offsets_for_times([TopicPartition(_REPLIES, partition, since)], timeout=10.0)
        _, end = self._consumer.get_watermark_offsets(TopicPartition(_REPLIES, partition), timeout=10.0)
        self._consumer.incremental_assign([TopicPartition(_REPLIES, partition, found[0].offset)])
        self._assigned.add(partition)
        self._ends[partition] = end

    def _left(self, partition: int) -> None:
        """On the loop: the partition is read no more, unless it was asked for again in between. Then it is read anew
        from far back, and the reducer drops what the hub knows already.
        """
        if partition not in self._wanted:
            self._caught_up.pop(partition, None)

    def _obey(self) -> None:
        """Carry out what the loop asked for. What Kafka refuses now, while a leader is elected say, is tried again."""
        while not self._commands.empty():
            command = self._commands.get()
            try:
                command()
            except KafkaException:
                self._commands.put(command)
                self._stopping.wait(_RETRY_SECONDS)
                raise

    def _read(self) -> None:
        while not self._stopping.is_set():
            try:
                self._obey()
                first = self._consumer.poll(0.05)
                if first is not None:
                    self._troubled = False
                    self._take([first, *self._consumer.consume(_BATCH, 0)])
            except KafkaException as error:
                self._troubled = True
                self._log.warning("the log cannot be read", error=type(error).__name__, reason=str(error)[:200])
            except Exception as error:
                self._log.error("the reader failed", error=type(error).__name__)
                self._on_fatal(f"reader: {type(error).__name__}")
                return
        self._consumer.close()

    def _take(self, messages: list[Message]) -> None:
        history: list[ChatRequested | TurnFinished] = []
        positions: dict[tuple[str, int], int] = {}
        replies: list[ReplyEvent] = []
        ends: list[int] = []
        for message in messages:
            error = message.error()
            if error is not None:
                self._note(error, message, ends)
                continue
            topic, partition, offset = str(message.topic()), int(message.partition() or 0), int(message.offset() or 0)
            if topic != _REPLIES:
                positions[topic, partition] = offset + 1
            elif offset + 1 >= self._ends.get(partition, offset + 2):
                del self._ends[partition]
                ends.append(partition)
            event = self._decode(message)
            if isinstance(event, ChatRequested | TurnFinished):
                history.append(event)
            elif isinstance(event, _REPLY_EVENTS):
                replies.append(event)
        if self._stopping.is_set():
            return  # what was not read for want of a registry comes again after the next start
        if positions:
            self._history.record(history, positions)
        if (replies or ends) and self._loop is not None:
            self._loop.call_soon_threadsafe(self._deliver, replies, ends)

    def _note(self, error: KafkaError, message: Message, ends: list[int]) -> None:
        if error.code() == _PARTITION_END:
            if message.topic() == _REPLIES:
                ends.append(int(message.partition() or 0))
        else:
            self._troubled = True
            self._log.warning("the log cannot be read", reason=error.name())

    def _decode(self, message: Message) -> Event | None:
        while not self._stopping.is_set():
            try:
                return self._readable(message)
            except Unavailable as error:  # the registry is away: wait, nothing may be passed over
                self._troubled = True
                self._log.warning("waiting for what is away", reason=str(error))
                self._stopping.wait(_RETRY_SECONDS)
        return None

    def _readable(self, message: Message) -> Event | None:
        try:
            return self._codec.decode(message.value())
        except Rejected as rejected:
            origin = origin_of(message)
            topic, value = self._dead_letters.letter(origin, rejected.reason, rejected.detail)
            if self._loop is not None:
                key = f"{origin.partition}-{origin.offset}"
                asyncio.run_coroutine_threadsafe(
                    self._producer.post(topic, key, value, origin.trace_headers), self._loop
                )
            self._metrics.count("sluice_dead_letters_total", topic=origin.topic, reason=rejected.reason.value)
            return None

    def _deliver(self, replies: list[ReplyEvent], ends: list[int]) -> None:
        for event in replies:
            self._hub.take(event)
        for partition in ends:
            if partition in self._caught_up:
                self._caught_up[partition].set()
