"""Ordered within a key, parallel across keys, bounded over all."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context

Job = Callable[[], Coroutine[object, object, None]]


class KeyedExecutor:
    """At most `limit` jobs are admitted; of one key, one runs at a time, in the order of submission.

    A job runs in the context of its submission: Faust keeps the event being handled there, and table writes need it.
    A job must not raise: the runner ends every event in its own way.
    """

    def __init__(self, limit: int) -> None:
        self._room = asyncio.Semaphore(limit)
        self._waiting: dict[bytes, deque[tuple[Job, Context]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, key: bytes, job: Job) -> None:
        """Returns once the job is admitted: a full executor slows its caller down."""
        await self._room.acquire()
        if key in self._waiting:
            self._waiting[key].append((job, copy_context()))
            return
        self._waiting[key] = deque([(job, copy_context())])
        task = asyncio.create_task(self._work(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cancel what runs. Its events stay unacknowledged and come again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def running(self) -> int:
        """Keys with work."""
        return len(self._waiting)

    async def _work(self, key: bytes) -> None:
        jobs = self._waiting[key]
        try:
            while jobs:
                job, context = jobs[0]
                try:
                    await asyncio.create_task(job(), context=context)
                finally:
                    jobs.popleft()
                    self._room.release()
        finally:
            for _ in jobs:
                self._room.release()
            del self._waiting[key]
