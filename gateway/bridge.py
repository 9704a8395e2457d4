"""Kafka's side of the gateway, as the event loop sees it: who wants which sessions, and whether the log answers."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from gateway.hub import Hub
from gateway.log_reader import REPLIES, Batch, LogReader
from gateway.progress import Progress
from gateway.pulse import Pulse
from sluice.partitioning import partition_for
from sluice.topics import catalogue

_PATIENCE_SECONDS = 10.0
"""For a partition of which there is much to read. A log that does not answer is not waited for."""
_LOOK_SECONDS = 0.5
_LINGER_SECONDS = 60.0
"""A partition is read on for so long without readers: they come back after a lost connection, often all at once."""


class Bridge:
    """The consumer lives in a thread of its own; the hub is only touched on the event loop.

    Never a consumer per socket: a partition of `chat-replies` is read while somebody wants a session in it.
    """

    def __init__(self, hub: Hub, progress: Progress, pulse: Pulse) -> None:
        self.wanted: set[int] = set()
        self.progress, self.pulse = progress, pulse
        self._hub = hub
        self._users: Counter[int] = Counter()
        self._lingering: dict[int, asyncio.TimerHandle] = {}
        self._caught_up: dict[int, asyncio.Event] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader: LogReader | None = None
        self._thread: threading.Thread | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._partitions = catalogue()[REPLIES].partitions

    @property
    def healthy(self) -> bool:
        """The log answers and is read, and the history is whole."""
        reading = self._thread is not None and self._thread.is_alive()
        untroubled = self._reader is not None and not self._reader.troubled
        return reading and untroubled and self.pulse.beats and self.progress.is_current

    def start(self, reader: LogReader) -> None:
        """Begin reading, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._reader = reader
        self._thread = threading.Thread(target=reader.run, name="gateway-reader", daemon=True)
        self._thread.start()
        self._tasks = [self._loop.create_task(run) for run in (self.pulse.run(), self.progress.begin())]

    async def stop(self) -> None:
        """Leave the log."""
        if self._reader is None or self._thread is None:
            return
        self._reader.stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._thread.join, 5.0)

    async def want(self, session_id: str) -> None:
        """Read the partition of a session; returns once its running turns are known. Pair with `release`.

        Raises TimeoutError where the log does not answer; then there is nothing to release.
        """
        partition = partition_for(session_id, self._partitions)
        self._users[partition] += 1
        lingering = self._lingering.pop(partition, None)
        if lingering is not None:
            lingering.cancel()
        if partition not in self.wanted:
            self.wanted.add(partition)
            self._caught_up[partition] = asyncio.Event()
            self._follow(partition)
        try:
            await self._until_caught_up(self._caught_up[partition])
        except BaseException:
            self.release(session_id)
            raise

    def release(self, session_id: str) -> None:
        """The reader of a session has gone."""
        partition = partition_for(session_id, self._partitions)
        self._users[partition] -= 1
        if self._users[partition] <= 0 and self._loop is not None:
            del self._users[partition]
            self._lingering[partition] = self._loop.call_later(_LINGER_SECONDS, self._let_go, partition)

    async def _until_caught_up(self, caught_up: asyncio.Event) -> None:
        waited = 0.0
        while not caught_up.is_set():
            if waited >= _PATIENCE_SECONDS or not self.pulse.beats:
                raise TimeoutError
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await caught_up.wait()
            waited += _LOOK_SECONDS

    def _let_go(self, partition: int) -> None:
        del self._lingering[partition]
        self.wanted.discard(partition)
        del self._caught_up[partition]
        self._follow(partition)

    def deliver(self, batch: Batch) -> None:
        """From the reader's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, batch)

    def on_loop(self, work: Coroutine[Any, Any, None]) -> Any:
        """From the reader's thread: run on the loop and give a future."""
        if self._loop is None:
            raise RuntimeError("start() comes first")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _follow(self, partition: int) -> None:
        if self._reader is not None:
            self._reader.follow(partition)

    def _take(self, batch: Batch) -> None:
        for event in batch.replies:
            self._hub.take(event)
        for user_id in batch.erased:
            self._hub.forget(user_id)
        self.progress.reached(batch.reached)
        for partition in batch.caught_up:
            if partition in self._caught_up:
                self._caught_up[partition].set()
