"""The schedule against a model of what it promises, and the executor on a real loop."""

import asyncio
import time
from collections import defaultdict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.executor import KeyedExecutor
from streams.schedule import Schedule

KEYS = st.sampled_from("abcdef")
RUNNING, WAITING = 3, 6


class Scheduling(RuleBasedStateMachine):
    """Any order of offers, starts, ends and drops."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule: Schedule[str, int] = Schedule(RUNNING, WAITING)
        self.waiting: dict[str, list[int]] = defaultdict(list)
        self.running: set[str] = set()
        self.passed_over: dict[str, int] = defaultdict(int)
        self.number = 0

    @rule(key=KEYS)
    def offer(self, key: str) -> None:
        if self.schedule.full:
            with pytest.raises(OverflowError):
                self.schedule.offer(key, -1)
            return
        self.number += 1
        self.schedule.offer(key, self.number)
        self.waiting[key].append(self.number)

    @rule()
    def take(self) -> None:
        taken = self.schedule.take()
        may = {key for key, jobs in self.waiting.items() if jobs} - self.running
        if taken is None:
            assert len(self.running) == RUNNING or not may
            return
        key, job = taken
        assert key in may
        assert self.waiting[key].pop(0) == job
        self.running.add(key)
        self.passed_over[key] = 0
        for other in may - {key}:
            self.passed_over[other] += 1
            assert self.passed_over[other] <= 6, "starved"

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.running.discard(key)
        self.schedule.done(key)

    @rule(key=KEYS)
    def drop(self, key: str) -> None:
        assert self.schedule.drop(key) == len(self.waiting[key])
        self.waiting[key].clear()
        self.passed_over[key] = 0

    @invariant()
    def bounds_hold_and_idle_keys_cost_nothing(self) -> None:
        assert self.schedule.running == len(self.running) <= RUNNING
        assert self.schedule.waiting == sum(map(len, self.waiting.values())) <= WAITING
        assert self.schedule.known() == self.running | {key for key, jobs in self.waiting.items() if jobs}


Scheduling.TestCase.settings = settings(max_examples=150, stateful_step_count=60)
TestScheduling = Scheduling.TestCase


def test_ten_thousand_sessions_that_came_and_went_leave_nothing():
    schedule: Schedule[int, int] = Schedule(64, 64)
    begun = time.perf_counter()
    for key in range(10_000):
        schedule.offer(key, 0)
        assert schedule.take() == (key, 0)
        schedule.done(key)
    assert schedule.known() == set()
    assert (len(schedule._queues), len(schedule._ready), len(schedule._running)) == (0, 0, 0)
    assert time.perf_counter() - begun < 60


HERE, THERE = ("chat-prompts", 1), ("chat-prompts", 2)


async def test_a_slow_key_does_not_hold_another():
    executor = KeyedExecutor(10, 10)
    never, quick = asyncio.Event(), asyncio.Event()

    async def done() -> None:
        quick.set()

    await executor.submit(HERE, b"slow", never.wait)
    await executor.submit(HERE, b"quick", done)
    await asyncio.wait_for(quick.wait(), 5)
    assert await executor.finish(0) == 1


async def test_a_full_executor_holds_its_caller_until_there_is_room():
    executor = KeyedExecutor(1, 1)
    go = asyncio.Event()
    await executor.submit(HERE, b"a", go.wait)
    await executor.submit(HERE, b"a", go.wait)
    third = asyncio.create_task(executor.submit(HERE, b"b", go.wait))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not third.done()
    go.set()
    await asyncio.wait_for(third, 5)
    assert await executor.finish(5) == 0


async def test_one_key_with_all_it_may_have_shuts_nobody_out():
    executor = KeyedExecutor(2, 2 * 16)
    quick = asyncio.Event()

    async def done() -> None:
        quick.set()

    for _ in range(16):
        await asyncio.wait_for(executor.submit(HERE, b"flood", asyncio.Event().wait), 5)
    await asyncio.wait_for(executor.submit(HERE, b"other", done), 5)
    await asyncio.wait_for(quick.wait(), 5)
    assert not executor.full
    assert await executor.finish(0) == 1
    assert executor.full


async def test_work_of_a_partition_that_has_gone_is_cancelled_and_other_work_goes_on():
    executor = KeyedExecutor(10, 10)
    started, cancelled, go = asyncio.Event(), asyncio.Event(), asyncio.Event()
    finished: list[str] = []

    async def gone() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def never_begun() -> None:
        finished.append("never")

    async def stays() -> None:
        await go.wait()
        finished.append("stays")

    await executor.submit(HERE, b"a", gone)
    await executor.submit(HERE, b"a", never_begun)
    await executor.submit(THERE, b"a", stays)
    await asyncio.wait_for(started.wait(), 5)
    assert executor.cancel({HERE}) == 1
    await asyncio.wait_for(cancelled.wait(), 5)
    go.set()
    assert await executor.finish(5) == 0
    assert finished == ["stays"]


async def test_who_is_told_to_finish_takes_nothing_more_and_waits_for_what_runs():
    executor = KeyedExecutor(1, 1)
    go = asyncio.Event()
    ran: list[str] = []

    async def running() -> None:
        await go.wait()
        ran.append("running")

    async def waiting() -> None:
        ran.append("waiting")

    await executor.submit(HERE, b"a", running)
    await executor.submit(HERE, b"b", waiting)
    late = asyncio.create_task(executor.submit(HERE, b"c", waiting))
    asyncio.get_running_loop().call_later(0.02, go.set)
    assert await executor.finish(5) == 0
    assert ran == ["running"]
    assert not late.done()
    late.cancel()
