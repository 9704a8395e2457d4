"""A Faust consumer over librdkafka whose commit never passes unfinished work.

Faust keeps its agents, tables and recovery; fetching, membership, acknowledging and committing are ours. Work is
acknowledged through claims, not through Faust's messages: upstream commits past an unfinished event where its
neighbours are done (faust issue 606), forgets what was dropped, and counts acknowledgements of a former owner.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from confluent_kafka import Message as Record
from faust.assignor.client_assignment import ClientAssignment
from faust.types import TP

from streams.transport.faust_duties import FaustDuties
from streams.transport.inbox import Inbox, message_of
from streams.transport.ledger import Claim, Ledger
from streams.transport.member import Handlers, Member, Partition
from streams.transport.options import Options
from streams.transport.queries import Queries

_RECORDS_PER_BREATH = 100
_FLUSH_SECONDS = 10.0


class LogConsumer(FaustDuties):
    """See the module. `options` is set by the transport before the consumer is made."""

    options: Options

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.options = self.transport.options
        self._ledgers: dict[TP, Ledger] = {}
        self._inbox = Inbox()
        self._queries = Queries(self.options.query_config, log=self.options.log)
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
        return Claim(tp, offset, offset < ledger.fresh_from, ledger)

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
        return {tp: ledger.next for tp, ledger in tuple(self._ledgers.items())}

    def unclaimed(self) -> dict[Partition, int]:
        """Records of each source partition that were delivered and that nobody has taken in hand."""
        return {tp: ledger.unclaimed for tp, ledger in tuple(self._ledgers.items())}

    async def hand_over(self) -> None:
        """Commit what is finished and leave the group at once."""
        await self.force_commit()
        await self._member.stop()

    # -- life

    async def on_start(self) -> None:
        """Begin polling; `subscribe` joins."""
        self._member = Member(
            self.options.member_config,
            incremental=self.options.incremental,
            handlers=Handlers(
                self._inbox.add, self._inbox.placed, self._assigned, self._revoked, self.options.on_fatal
            ),
            log=self.options.log,
        )
        self._member.start()
        self.add_future(self._follow_rebalances())

    async def on_stop(self) -> None:
        """Commit and leave."""
        await self.hand_over()

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group for these topics."""
        self._member.subscribe(topics)

    # -- told by the member, on the loop

    def _assigned(self, partitions: set[Partition]) -> None:
        held = {TP(*partition) for partition in partitions}
        self._forget(self._ledgers.keys() - held)  # now: it may come back before `_follow_rebalances` looks
        self._rebalances.put_nowait(held)

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
        finished: dict[TP, int] = {}
        if not lost and await self._changelogs_are_written():
            ledgers = {tp: self._ledgers[tp] for tp in gone & self._ledgers.keys()}
            finished = {tp: offset for tp, ledger in ledgers.items() if (offset := ledger.uncommitted) is not None}
        if self.options.incremental or lost:
            self._forget(gone)
        return finished

    async def _changelogs_are_written(self) -> bool:
        """Waits for them, but not longer than the group would: without them nothing is committed."""
        try:
            async with asyncio.timeout(_FLUSH_SECONDS):
                await self.app.producer.flush()
        except TimeoutError:
            self.options.log.warning("changelogs are not written yet", waited_seconds=_FLUSH_SECONDS)
            return False
        return True

    def _forget(self, gone: set[TP]) -> None:
        self._inbox.drop(gone)
        for tp in gone:
            ledger = self._ledgers.pop(tp, None)
            if ledger is not None:
                ledger.closed = True
        if gone:
            self._cancel(set[Partition](gone))

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
        lost = self._inbox.held - held
        self._inbox.held = set(held)
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
            found = self._inbox.take(active_partitions, self._member)
            if found or loop.time() >= deadline:
                return found
            await self._inbox.arrival(deadline)
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

    def _to_message(self, tp: TP, record: Record) -> Any:
        return message_of(tp, record, self.app.consumer_generation_id)

    # -- positions, for Faust

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Sources only. What stayed with us goes on where it was; what is new begins at its committed offset."""
        changelogs = self.app.tables.changelog_topics
        while new := [tp for tp in self._inbox.held - self._ledgers.keys() if tp.topic not in changelogs]:
            generation = self._generation
            starts = await self._queries.answered(partial(self._queries.starts, new))
            if generation != self._generation:
                continue  # they may have been with another owner meanwhile, who has committed
            for partition, (start, end) in starts.items():
                self._ledgers[TP(*partition)] = Ledger(next=start, fresh_from=end, committed=start)
        positions = {tp: ledger.resume_from for tp, ledger in self._ledgers.items()}
        await self._place(positions)
        return positions

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
        await self._inbox.place(offsets, self._member)

    async def position(self, tp: TP) -> int | None:
        """Next offset to read."""
        ledger = self._ledgers.get(tp)
        return ledger.next if ledger is not None else (await self.earliest_offsets(tp))[tp]

    def assignment(self) -> set[TP]:
        """What this worker owns."""
        return set(self._inbox.held)

    def highwater(self, tp: TP) -> int:
        """For Faust's monitor only."""
        return self._read_offset[tp] or 0

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        """Ends of partitions."""
        return {tp: (await self._queries.answered(partial(self._queries.watermarks, tp)))[1] for tp in tps}

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        """Beginnings of partitions."""
        return {tp: (await self._queries.answered(partial(self._queries.watermarks, tp)))[0] for tp in tps}

    # -- committing

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit every ledger that has moved. Tables' changelogs are flushed first."""
        del topics, start_new_transaction
        moved = {tp: offset for tp, ledger in self._ledgers.items() if (offset := ledger.uncommitted) is not None}
        if not moved:
            return False
        if not await self._changelogs_are_written():
            return False
        self.options.reach("before_commit")
        if not await self._member.commit(moved):
            return False
        for tp, offset in moved.items():
            if tp in self._ledgers:
                self._ledgers[tp].committed = max(self._ledgers[tp].committed, offset)
        self.app.tables.on_commit(moved)
        return True

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return await self._member.commit(offsets)


async def _nothing_runs(_partitions: set[Partition]) -> None:
    return
