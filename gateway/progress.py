"""How far the history has been read, for whoever must not answer before it knows what the log held a moment ago."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

Place = tuple[str, int]
"""Topic and partition."""
_PATIENCE_SECONDS = 5.0
_AGAIN_SECONDS = 0.5


class HistoryReading(Protocol):
    """The port of the use cases. Both raise TimeoutError where it takes longer than a few seconds."""

    async def caught_up_once(self) -> None:
        """Until all is read that the log held when this process started. Costs nothing afterwards."""
        ...

    async def catch_up(self) -> None:
        """Until all is read that the log holds now. Asks the log."""
        ...


@dataclass(slots=True)
class Progress:
    """Runs on the event loop. `ends` asks the log for the end of each partition and may block or raise."""

    ends: Callable[[], Mapping[Place, int]]
    at: dict[Place, int] = field(default_factory=dict)
    _once: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: list[tuple[Mapping[Place, int], asyncio.Future[None]]] = field(default_factory=list)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _asked_at: float = -1.0
    _known: Mapping[Place, int] = field(default_factory=dict)

    @property
    def is_current(self) -> bool:
        """Whether the history was whole once since the start."""
        return self._once.is_set()

    def reached(self, offsets: Mapping[Place, int]) -> None:
        """All before these offsets is in the history."""
        self.at.update(offsets)
        left = []
        for ends, waiter in self._waiting:
            if waiter.done():
                continue
            if self._has(ends):
                waiter.set_result(None)
            else:
                left.append((ends, waiter))
        self._waiting = left

    async def begin(self) -> None:
        """Catch up for the first time, however often the log has to be asked."""
        while not self._once.is_set():
            try:
                await self._until(await self._ends_now())
                self._once.set()
            except Exception:
                await asyncio.sleep(_AGAIN_SECONDS)

    async def caught_up_once(self) -> None:
        """See HistoryReading."""
        if not self._once.is_set():
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._once.wait()

    async def catch_up(self) -> None:
        """See HistoryReading. Who asks while an answer is on its way shares the next one."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._until(await self._ends_now())

    async def _ends_now(self) -> Mapping[Place, int]:
        """Asked for after this call began. Raises TimeoutError where the log does not say."""
        begun = asyncio.get_running_loop().time()
        async with self._asking:
            if self._asked_at < begun:
                asked_at = asyncio.get_running_loop().time()
                try:
                    self._known = await asyncio.to_thread(self.ends)
                except Exception as error:  # whatever librdkafka says, it is not an answer
                    raise TimeoutError from error
                self._asked_at = asked_at
            return self._known

    async def _until(self, ends: Mapping[Place, int]) -> None:
        if self._has(ends):
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ends, waiter))
        await waiter

    def _has(self, ends: Mapping[Place, int]) -> bool:
        return all(self.at.get(place, 0) >= end for place, end in ends.items())
