"""A member of a consumer group in a thread of its own: librdkafka polls there and is commanded from the event loop.

Everything that touches the handle happens in that thread. Partitions are assigned paused and start where `place`
puts them. Back-pressure pauses partitions and never stops polling, so `max.poll.interval.ms` is kept.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from sluice.kafka_config import Config
from sluice.kafka_fatal import is_fatal
from sluice.logs import Logger, fact

Partition = tuple[str, int]
Command = Callable[[], None]
T = TypeVar("T")
_POLL_SECONDS = 0.05
_BATCH = 500
_EPOCH_SECONDS = 0.5
_LET_GO_SECONDS = 30.0
_MOST_NAMED = 4
_MOST_BUFFERED, _RESUME_BELOW = 2_000, 500
_EPOCH = slice(7, 11)
_METADATA_MAGIC = b"CGMDv2:"


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the loop is told; all but `fatal` are called on the event loop, in the order in which things happened."""

    records: Callable[[list[Message]], None]
    placed: Callable[[set[Partition]], None]
    assigned: Callable[[set[Partition]], None]
    revoked: Callable[[set[Partition], bool], Awaitable[Mapping[Partition, int]]]
    fatal: Callable[[str], None]


def epoch_in(metadata: bytes) -> int:
    """The generation (classic) or member epoch (KIP-848) in librdkafka's serialised group metadata.

    Source: rd_kafka_consumer_group_metadata_write in librdkafka 2.x; checked at start.
    """
    if metadata[:7] != _METADATA_MAGIC:
        raise ValueError(f"group metadata begins with {metadata[:7]!r}")
    return int.from_bytes(metadata[_EPOCH], "little", signed=True)


class Member:
    """See the module. `start` once, then commands, then `stop`."""

    def __init__(self, config: Config, *, incremental: bool, handlers: Handlers, log: Logger) -> None:
        self._consumer = Consumer(config)
        self._incremental = incremental
        self._handlers, self._log = handlers, log
        self._commands: SimpleQueue[Command] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="group-member", daemon=True)
        self._positions: dict[Partition, int] = {}
        self._held: set[Partition] = set()
        self._paused: set[Partition] = set()
        self._buffered: Counter[Partition] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._epoch_at = 0.0
        self.epoch = -1
        """Rises with every rebalance of the group; a zombie keeps its old one."""

    # -- from the loop

    def start(self) -> None:
        """On the loop that gets the calls."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group."""
        wanted = list(topics)
        self._commands.put(
            lambda: self._consumer.subscribe(
                wanted, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
        )

    def place(self, offsets: Mapping[Partition, int]) -> None:
        """Read these partitions from here on. Records fetched before are stale once `placed` comes."""
        wanted = dict(offsets)
        self._commands.put(lambda: self._place(wanted))

    def taken(self, partition: Partition, count: int) -> None:
        """So many records left the buffer."""
        self._buffered[partition] -= count
        if partition in self._paused and self._buffered[partition] < _RESUME_BELOW:
            self._paused.discard(partition)
            self._commands.put(lambda: self._resume(partition))

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """False where the group refuses: the partitions have another owner."""
        wanted = dict(offsets)
        return await self._ask(lambda: self._commit(wanted))

    async def stop(self) -> None:
        """Leave the group."""
        self._stopping.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, 5.0)

    # -- in the thread

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._obey()
                first = self._consumer.poll(_POLL_SECONDS)
                self._note_epoch()
                if first is not None:
                    self._take([first, *self._consumer.consume(_BATCH, 0)])
            self._consumer.close()
        except Exception as error:
            self._handlers.fatal(f"group member: {type(error).__name__}: {str(error)[:200]}")

    def _note_epoch(self) -> None:
        """After a rebalance and twice a second; only this thread may ask (from another one the call hangs)."""
        now = time.monotonic()
        if now - self._epoch_at > _EPOCH_SECONDS:
            self._epoch_at = now
            metadata = self._consumer.consumer_group_metadata()
            self.epoch = self.epoch if metadata is None else epoch_in(metadata)

    def _obey(self) -> None:
        while not self._commands.empty():
            self._commands.get()()

    def _post(self, call: Callable[..., object], *arguments: object) -> None:
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def _take(self, messages: list[Message]) -> None:
        records = []
        for message in messages:
            error = message.error()
            if error is not None:
                self._note(error)
                continue
            partition = (str(message.topic()), int(message.partition() or 0))
            self._positions[partition] = int(message.offset() or 0) + 1
            self._buffered[partition] += 1
            records.append(message)
        for partition, count in self._buffered.items():
            if count > _MOST_BUFFERED and partition in self._held and partition not in self._paused:
                self._consumer.pause([TopicPartition(*partition)])
                self._paused.add(partition)
        if records:
            self._post(self._handlers.records, records)

    def _note(self, error: KafkaError) -> None:
        if is_fatal(error):
            raise KafkaException(error)
        self._log.warning("the log cannot be read", reason=fact(error.name()), detail=fact(error.str()[:200]))

    def _place(self, offsets: dict[Partition, int]) -> None:
        mine = {partition: offset for partition, offset in offsets.items() if partition in self._held}
        self._positions.update(mine)
        for partition in mine:
            self._paused.discard(partition)
            self._buffered[partition] = 0
        if self._incremental:
            targets = [TopicPartition(*partition, offset) for partition, offset in mine.items()]
            if targets:
                self._consumer.incremental_unassign([TopicPartition(*partition) for partition in mine])
                self._consumer.incremental_assign(targets)
                self._consumer.resume(targets)
        else:
            placed = self._held & self._positions.keys()
            self._consumer.assign([TopicPartition(*p, self._positions[p]) for p in placed])
            self._consumer.resume([TopicPartition(*p) for p in placed - self._paused])
            self._consumer.pause([TopicPartition(*p) for p in placed & self._paused])
        self._post(self._handlers.placed, set(offsets))

    def _resume(self, partition: Partition) -> None:
        if partition in self._held and partition in self._positions:
            self._consumer.resume([TopicPartition(*partition)])

    def _commit(self, offsets: dict[Partition, int]) -> bool:
        mine = [TopicPartition(*p, offset) for p, offset in offsets.items() if p in self._held]
        if not mine:
            return False
        try:
            results = self._consumer.commit(offsets=mine, asynchronous=False)
        except KafkaException as error:
            self._log.warning("commit refused", reason=error.args[0].name())
            return False
        return all(result.error is None for result in results or ())

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Assign paused: nothing is read before the loop has said from where."""
        given = {(p.topic, p.partition) for p in partitions}
        self._held = self._held | given if self._incremental else given
        if self._incremental and partitions:
            self._consumer.incremental_assign(partitions)
            self._consumer.pause(partitions)
        elif not self._incremental:
            keep = {p: o for p, o in self._positions.items() if p in given}
            self._positions = keep
            self._consumer.assign(partitions)
            if partitions:
                self._consumer.pause(partitions)
        self._epoch_at = 0.0
        self._note_epoch()
        self._post(self._handlers.assigned, set(self._held))

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Waits for the loop to let go, commits what is finished, and only then gives the partitions away."""
        gone = {(p.topic, p.partition) for p in partitions}
        self._give_up(gone, lost=False)

    def _on_lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._give_up({(p.topic, p.partition) for p in partitions}, lost=True)

    def _give_up(self, gone: set[Partition], *, lost: bool) -> None:
        assert self._loop is not None
        finished: Mapping[Partition, int] = {}
        if not self._stopping.is_set() and not self._loop.is_closed():
            letting_go = asyncio.run_coroutine_threadsafe(self._let_go(gone, lost), self._loop)
            try:
                finished = letting_go.result(_LET_GO_SECONDS)
            except TimeoutError:
                names = ", ".join(f"{topic}/{number}" for topic, number in sorted(gone)[:_MOST_NAMED])
                raise TimeoutError(
                    f"work of {len(gone)} partitions ({names}) was not let go of within {_LET_GO_SECONDS:g} s"
                ) from None
        if finished and not lost:
            self._commit(dict(finished))
        self._held -= gone
        for partition in gone:
            self._paused.discard(partition)
            if self._incremental or lost:
                self._positions.pop(partition, None)
        if self._incremental:
            self._consumer.incremental_unassign([TopicPartition(*partition) for partition in gone])
        else:
            self._consumer.unassign()

    async def _let_go(self, gone: set[Partition], lost: bool) -> Mapping[Partition, int]:
        return await self._handlers.revoked(gone, lost)

    async def _ask(self, question: Callable[[], T]) -> T:
        assert self._loop is not None
        loop = self._loop
        answer: asyncio.Future[T] = loop.create_future()

        def put(result: T | None, error: BaseException | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(result)  # type: ignore[arg-type]
            else:
                answer.set_exception(error)

        def carry_out() -> None:
            result: Any = None
            failure: BaseException | None = None
            try:
                result = question()
            except Exception as error:
                failure = error
            self._post(put, result, failure)

        self._commands.put(carry_out)
        return await answer
