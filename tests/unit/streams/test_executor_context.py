"""Faust keeps the event being handled in a context variable, and a table write needs it."""

import asyncio
from contextvars import ContextVar

from streams.executor import KeyedExecutor

EVENT: ContextVar[str] = ContextVar("event")


async def test_a_job_runs_in_the_context_it_was_submitted_in():
    executor = KeyedExecutor(10, 10)
    seen: list[str] = []
    last = asyncio.Event()

    async def look() -> None:
        seen.append(EVENT.get())
        await asyncio.sleep(0)
        if len(seen) == 3:
            last.set()

    for name in ("first", "second", "third"):
        EVENT.set(name)
        await executor.submit(("chat-requests", 0), b"one key", look)
    await asyncio.wait_for(last.wait(), 5)
    assert seen == ["first", "second", "third"]
