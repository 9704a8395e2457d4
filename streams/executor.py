"""Runs the schedule: jobs as tasks on the event loop, in the context of their submission."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context

from streams.schedule import Schedule
from streams.transport.member import Partition

Job = Callable[[], Coroutine[object, object, None]]
Key = tuple[Partition, bytes]


class KeyedExecutor:
    """One running job for each key, arrival order within it, `limit` over all; `waiting_limit` may wait.

    Jobs wait behind others of their key also while there is room for other keys. So that some keys with many jobs
    shut nobody out, `waiting_limit` is `limit` times what one key may have unfinished: then it is only reached while
    `limit` jobs run.

    A job runs in the context of its submission: Faust keeps the event being handled there, and table writes need it.
    A job must not raise: the runner ends every event in its own way.
    """

    def __init__(self, limit: int, waiting_limit: int) -> None:
        self._schedule: Schedule[Key, tuple[Job, Context]] = Schedule(limit, waiting_limit)
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._room = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    @property
    def running(self) -> int:
        """Jobs that run."""
        return self._schedule.running

    @property
    def full(self) -> bool:
        """Whether the next `submit` would wait."""
        return self._schedule.full or self._closing

    async def submit(self, partition: Partition, key: bytes, job: Job) -> None:
        """Returns once the job is admitted: a full executor slows its caller down, and so the log."""
        while self.full:
            self._room.clear()
            await self._room.wait()
        self._idle.clear()
        self._schedule.offer((partition, key), (job, copy_context()))
        self._start_ready()

    async def drain(self, partitions: set[Partition], grace_seconds: float) -> None:
        """Wait so long for the running jobs of partitions. Nothing more of them is started."""
        for key in self._schedule.known():
            if key[0] in partitions:
                self._schedule.drop(key)
        running = [task for key, task in self._tasks.items() if key[0] in partitions]
        if running:
            await asyncio.wait(running, timeout=grace_seconds)

    def cancel(self, partitions: set[Partition]) -> int:
        """End the work of partitions that have another owner. Gives the number of running jobs cancelled."""
        ended = 0
        for key in self._schedule.known():
            if key[0] in partitions:
                self._schedule.drop(key)
                task = self._tasks.get(key)
                if task is not None:
                    ended += task.cancel()
        self._room.set()
        self._maybe_idle()
        return ended

    async def finish(self, grace_seconds: float) -> int:
        """Let running jobs end for so long, then cancel them. What waits is left to the next owner."""
        self._closing = True
        for key in self._schedule.known():
            self._schedule.drop(key)
        self._maybe_idle()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._idle.wait()
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return len(left)

    def _start_ready(self) -> None:
        while (taken := self._schedule.take()) is not None:
            key, (job, context) = taken
            task = asyncio.get_running_loop().create_task(job(), context=context)
            self._tasks[key] = task
            task.add_done_callback(lambda _task, key=key: self._ended(key))  # type: ignore[misc]
        if not self._schedule.full:
            self._room.set()

    def _ended(self, key: Key) -> None:
        del self._tasks[key]
        self._schedule.done(key)
        self._start_ready()
        self._maybe_idle()

    def _maybe_idle(self) -> None:
        if not self._tasks and not self._schedule.waiting:
            self._idle.set()
