"""A Faust consumer over librdkafka whose commit never passes unfinished work.

Faust keeps its agents, tables and recovery; fetching, membership, acknowledging and committing are ours. Work is
acknowledged through claims, not through Faust's messages: upstream commits past an unfinished event where its
neighbours are done (faust issue 606), forgets what was dropped, and counts acknowledgements of a former owner.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer as QueryHandle
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka import Message as Record
from faust.assignor.client_assignment import ClientAssignment
from faust.transport.consumer import Consumer
from faust.types import TP, ConsumerMessage

from streams.transport.ledger import Ledger
from streams.transport.member import Handlers, Member, Partition
from streams.transport.options import Options

_QUERY_SECONDS = 10.0
_AGAIN_SECONDS = 0.25
_RECORDS_PER_BREATH = 100


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to handle one record, for as long as its partition stays with this worker."""

    partition: Partition
    offset: int
    repeated: bool
    """Whether an earlier owner may have handled it."""
    _ledger: Ledger

    @property
    def alive(self) -> bool:
        """Whether the partition is still ours."""
        return not self._ledger.closed

    def finish(self) -> None:
        """Its effects are on the log: the commit may pass it. Without effect after the partition has gone."""
        self._ledger.finish(self.offset)


class LogConsumer(Consumer):  # type: ignore[misc]
    """See the module. `options` is set by the transport before the consumer is made."""

    consumer_stopped_errors = ()
    options: Options

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.options = self.transport.options
        self._ledgers: dict[TP, Ledger] = {}
        self._buffers: dict[TP, deque[Record]] = {}
        self._held: set[TP] = set()
        self._arrived: asyncio.Future[None] | None = None
        self._placing: dict[TP, deque[asyncio.Future[None]]] = {}
        self._rebalances: asyncio.Queue[set[TP]] = asyncio.Queue()
        self._drain: Callable[[set[Partition]], Awaitable[None]] = _nothing_runs
        self._cancel: Callable[[set[Partition]], None] = lambda _partitions: None
        self._generation = 0

    # -- for the worker

    def claim(self, tp: TP, offset: int) -> Claim | None:
        """Take a delivered record in hand. None for a second copy, or where the partition has gone."""
        ledger = self._ledgers.get(tp)
        if ledger is None or ledger.closed or not ledger.begin(offset):
            return None
        return Claim((tp.topic, tp.partition), offset, offset < ledger.fresh_from, ledger)

    def when_gone(
        self, drain: Callable[[set[Partition]], Awaitable[None]], cancel: Callable[[set[Partition]], None]
    ) -> None:
        """`drain` waits a while for the work of partitions that are about to move; `cancel` ends what is left."""
        self._drain, self._cancel = drain, cancel

    def epoch(self) -> int:
        """See Member.epoch."""
        return self._member.epoch

    def ends_wanted(self) -> dict[Partition, int]:
        """Next offset of each source partition held: for who asks the broker whether more waits there."""
        return {(tp.topic, tp.partition): ledger.next for tp, ledger in tuple(self._ledgers.items())}

    def unfinished(self) -> int:
        """Records delivered and not finished."""
        return sum(ledger.unfinished for ledger in tuple(self._ledgers.values()))

    async def hand_over(self) -> None:
        """Commit what is finished and leave the group at once."""
        await self.force_commit()
        await self._member.stop()

    # -- life

    async def on_start(self) -> None:
        """Begin polling; `subscribe` joins."""
        self._queries = QueryHandle(dict(self.options.query_config))
        self._member = Member(
            self.options.member_config,
            incremental=self.options.incremental,
            handlers=Handlers(self._records, self._placed, self._assigned, self._revoked, self.options.on_fatal),
            log=self.options.log,
        )
        self._member.start()
        self.add_future(self._follow_rebalances())

    async def on_stop(self) -> None:
        """Commit and leave."""
        await self.hand_over()

    def close(self) -> None:
        """Faust calls this where a rebalance meets a stopping worker; `on_stop` does the work."""

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group for these topics."""
        self._member.subscribe(topics)

    async def verify_all_partitions_active(self) -> None:
        """Faust's own look at liveness; ours is streams.watchdog, which asks the broker."""

    # -- told by the member, on the loop

    def _records(self, records: list[Record]) -> None:
        for record in records:
            tp = TP(record.topic(), record.partition())
            if tp in self._held and tp not in self._placing:
                self._buffers.setdefault(tp, deque()).append(record)
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def _placed(self, partitions: set[Partition]) -> None:
        for partition in partitions:
            tp = TP(*partition)
            _resolve(self._placing[tp].popleft())
            if not self._placing[tp]:
                del self._placing[tp]

    def _assigned(self, partitions: set[Partition]) -> None:
        self._rebalances.put_nowait({TP(*partition) for partition in partitions})

    async def _revoked(self, partitions: set[Partition], lost: bool) -> Mapping[Partition, int]:
        """Let go. What runs may end first, where the group still waits for us: it need not be done twice.

        With the classic protocol everything is revoked and most comes back: its work goes on meanwhile.
        """
        gone = {TP(*partition) for partition in partitions}
        if self.options.incremental and not lost:
            for tp in gone & self._ledgers.keys():
                self._ledgers[tp].closed = True
            await self._drain(partitions)
        self._generation += 1
        self.app.consumer_generation_id = self._generation
        self.stop_flow()
        self.app.flow_control.suspend()
        finished = {
            (tp.topic, tp.partition): offset
            for tp in gone
            if tp in self._ledgers and (offset := self._ledgers[tp].uncommitted) is not None
        }
        if self.options.incremental or lost:
            self._forget(gone)
        return finished

    def _forget(self, gone: set[TP]) -> None:
        self._held -= gone
        for tp in gone:
            ledger = self._ledgers.pop(tp, None)
            if ledger is not None:
                ledger.closed = True
            self._buffers.pop(tp, None)
        if gone:
            self._cancel({(tp.topic, tp.partition) for tp in gone})

    async def _follow_rebalances(self) -> None:
        """One after the other, outside the thread that polls: recovery may take its time."""
        while not self.should_stop:
            held = await self._rebalances.get()
            while not self._rebalances.empty():
                held = self._rebalances.get_nowait()
            await self._take_over(held)

    async def _take_over(self, held: set[TP]) -> None:
        app = self.app
        app.on_rebalance_start()
        self._forget(self._ledgers.keys() - held)
        lost = self._held - held
        self._held = set(held)
        self._generation += 1
        app.consumer_generation_id = self._generation
        actives: dict[str, list[int]] = {}
        for tp in held:
            actives.setdefault(tp.topic, []).append(tp.partition)
        app.assignor._assignment = ClientAssignment(actives=actives, standbys={})  # noqa: SLF001 (Faust's assignor never runs)
        await self.on_partitions_revoked(lost)
        await self.on_partitions_assigned(set(held), self._generation)
        self.options.log.info("partitions assigned", partitions=len(held), generation=self._generation)

    # -- fetching, for Faust

    async def _getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109 (the signature is Faust's)
    ) -> dict[TP, list[Record]]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while self.flow_active:
            found = {
                tp: list(buffer)
                for tp, buffer in self._buffers.items()
                if buffer and (active_partitions is None or tp in active_partitions)
            }
            for tp, records in found.items():
                self._buffers[tp].clear()
                self._member.taken((tp.topic, tp.partition), len(records))
            if found or loop.time() >= deadline:
                return found
            self._arrived = loop.create_future()
            handle = loop.call_at(deadline, _resolve, self._arrived)
            try:
                await self._arrived
            finally:
                handle.cancel()
        return {}

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's loop without its two tasks for each message; what the ledger does not want is left out."""
        changelogs = self.app.tables.changelog_topics
        handed = 0
        while not (self.should_stop or fetcher.should_stop):
            await asyncio.sleep(0)
            if not self.flow_active:
                await self.wait(self.can_resume_flow)
                continue
            active = self._get_active_partitions()
            if not active:
                await self.sleep(0.05)
                continue
            for tp, records in (await self._getmany(active, 1.0)).items():
                ledger = self._ledgers.get(tp)
                for record in records:
                    handed += 1
                    if handed % _RECORDS_PER_BREATH == 0:
                        await asyncio.sleep(0)
                    if tp.topic in changelogs:
                        await self.callback(self._to_message(tp, record))
                    elif (
                        ledger is not None and ledger is self._ledgers.get(tp) and ledger.deliver(record.offset() or 0)
                    ):
                        self._read_offset[tp] = record.offset()
                        await self.callback(self._to_message(tp, record))

    def _to_message(self, tp: TP, record: Record) -> ConsumerMessage:
        key, value = record.key(), record.value()
        kind, milliseconds = record.timestamp()
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record.offset(),
            milliseconds / 1000.0,
            kind,
            record.headers() or [],
            key,
            value,
            None,
            len(key or b""),
            len(value or b""),
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    # -- positions, for Faust

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Sources only. What stayed with us goes on where it was; what is new begins at its committed offset."""
        changelogs = self.app.tables.changelog_topics
        sources = [tp for tp in self._held if tp.topic not in changelogs]
        new = [tp for tp in sources if tp not in self._ledgers]
        if new:
            for tp, (start, end) in (await self._asked(self._starts, new)).items():
                self._ledgers[tp] = Ledger(next=start, fresh_from=end, committed=start)
        positions = {tp: self._ledgers[tp].resume_from for tp in sources if tp in self._ledgers}
        await self._place(positions)
        return positions

    async def _asked(self, question: Callable[[Iterable[TP]], dict[TP, tuple[int, int]]], tps: Iterable[TP]) -> Any:
        """Ask until there is an answer: a broker may be away, or a partition without a leader.

        With a new handle each time: after a restart of all brokers an old one answers `_UNKNOWN_PARTITION` for minutes.
        """
        while True:
            try:
                return await asyncio.to_thread(question, tps)
            except KafkaException as error:
                self.options.log.warning("the log does not answer", reason=error.args[0].name())
                self._queries = QueryHandle(dict(self.options.query_config))
                await asyncio.sleep(_AGAIN_SECONDS)

    def _starts(self, tps: Iterable[TP]) -> dict[TP, tuple[int, int]]:
        found = self._queries.committed([TopicPartition(*tp) for tp in tps], timeout=_QUERY_SECONDS)
        starts = {}
        for one in found:
            low, high = self._queries.get_watermark_offsets(
                TopicPartition(one.topic, one.partition), timeout=_QUERY_SECONDS
            )
            starts[TP(one.topic, one.partition)] = (max(one.offset, low), high)
        return starts

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Changelogs, when tables recover."""
        for tp, offset in partitions.items():
            if offset > 0:
                self._read_offset[tp] = offset
            else:
                self._read_offset.pop(tp, None)
        await self._place(partitions)

    async def _seek(self, partition: TP, offset: int) -> None:
        await self._place({partition: offset})

    async def _place(self, offsets: Mapping[TP, int]) -> None:
        """Returns once no record fetched before can come any more."""
        loop = asyncio.get_running_loop()
        wanted = {tp: offset for tp, offset in offsets.items() if tp in self._held}
        waits = []
        for tp in wanted:
            self._buffers.pop(tp, None)
            done = loop.create_future()
            self._placing.setdefault(tp, deque()).append(done)
            waits.append(done)
        self._member.place({(tp.topic, tp.partition): offset for tp, offset in wanted.items()})
        if waits:
            await asyncio.wait(waits, timeout=_QUERY_SECONDS)

    async def position(self, tp: TP) -> int | None:
        """Next offset to read."""
        ledger = self._ledgers.get(tp)
        return ledger.next if ledger is not None else (await self.earliest_offsets(tp))[tp]

    def assignment(self) -> set[TP]:
        """What this worker owns."""
        return set(self._held)

    def highwater(self, tp: TP) -> int:
        """For Faust's monitor only."""
        return self._read_offset[tp] or 0

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        """Ends of partitions."""
        return {tp: high for tp, (_, high) in (await self._asked(self._watermarks, tps)).items()}

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        """Beginnings of partitions."""
        return {tp: low for tp, (low, _) in (await self._asked(self._watermarks, tps)).items()}

    def _watermarks(self, tps: Iterable[TP]) -> dict[TP, tuple[int, int]]:
        return {tp: self._queries.get_watermark_offsets(TopicPartition(*tp), timeout=_QUERY_SECONDS) for tp in tps}

    # -- committing

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit every ledger that has moved. Tables' changelogs are flushed first."""
        del topics, start_new_transaction
        moved = {tp: offset for tp, ledger in self._ledgers.items() if (offset := ledger.uncommitted) is not None}
        if not moved:
            return False
        if self.app.tables:
            await self.app.producer.flush()
        self.options.reach("before_commit")
        if not await self._member.commit({(tp.topic, tp.partition): offset for tp, offset in moved.items()}):
            return False
        for tp, offset in moved.items():
            if tp in self._ledgers:
                self._ledgers[tp].committed = max(self._ledgers[tp].committed, offset)
        self.app.tables.on_commit(moved)
        return True

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return await self._member.commit({(tp.topic, tp.partition): offset for tp, offset in offsets.items()})

    # -- what Faust asks for and we do elsewhere

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is created by a worker: `sluice topics apply` does."""

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions; None where there is no such topic."""
        found = self._queries.list_topics(topic, _QUERY_SECONDS).topics.get(topic)
        return None if found is None or found.error is not None else len(found.partitions)

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Where a key lives."""
        return partition if partition is not None else self.app.producer.key_partition(topic, key).partition


async def _nothing_runs(_partitions: set[Partition]) -> None:
    return


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
