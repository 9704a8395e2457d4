"""Waiting for what another process does, or another task: until it has happened, never for a time that seems enough."""

import asyncio
import time
from collections.abc import Callable

_EVERY_SECONDS = 0.05


def until(happened: Callable[[], object], seconds: float = 90.0) -> bool:
    """False where it has not happened in time. For other processes."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(_EVERY_SECONDS)
    return True


async def meanwhile(happened: Callable[[], object], seconds: float = 30.0) -> None:
    """For other tasks and threads. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not happened():  # noqa: ASYNC110 (what is awaited is the behaviour under test, not an event of ours)
            await asyncio.sleep(0.001)
