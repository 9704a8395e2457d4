"""How long the event loop of a redact worker stands still while texts are searched."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvloop

from agents.personal.policy import Policy
from agents.policies import load_policies
from benchmarks.measurement import NothingMeasured
from benchmarks.personal.cost import IN_DOUBT
from benchmarks.personal.sentences import sentences
from sluice.logs import get_logger
from streams.finding.pool import FinderPool

_BEAT_SECONDS = 0.001
_PROCESSES, _THREADS, _TEXTS = 2, 64, 400
_LONG = 20_000
_SWITCH_SECONDS = 0.001
_BURN = "while True: pass"

Held = list[float]
"""Milliseconds by which each beat came late, in order of size."""


def held_while_searching() -> Held:
    """Short and long texts, as many at once as a worker runs."""
    policy = load_policies()["default"]
    pool = FinderPool({policy.name: policy}, _PROCESSES, 60.0, get_logger())
    pool.start()
    threads = ThreadPoolExecutor(_THREADS)
    try:
        pool.find(IN_DOUBT, policy)
        texts = _texts()
        return _beats(lambda: _search(pool, policy, threads, texts))
    finally:
        threads.shutdown()
        pool.close()


def held_while_others_work(seconds: float = 3.0) -> Held:
    """The same beat in an idle process, beside as many processes that only burn: what the machine does by itself."""
    burning = [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in range(_PROCESSES)]
    try:
        return _beats(lambda: asyncio.sleep(seconds))
    finally:
        for process in burning:
            process.kill()
            process.wait()


def _texts() -> list[str]:
    short = [one.text for one in sentences("measured", 1)]
    return [(short[n % len(short)] + " ") * (_LONG // 100 if n % 20 == 0 else 4) for n in range(_TEXTS)]


async def _search(pool: FinderPool, policy: Policy, threads: ThreadPoolExecutor, texts: list[str]) -> None:
    loop = asyncio.get_running_loop()
    found = await asyncio.gather(*(loop.run_in_executor(threads, pool.find, text, policy) for text in texts))
    if not any(found):
        raise NothingMeasured("nothing personal was found in the texts")


def _beats(work: Callable[[], Coroutine[Any, Any, None]]) -> Held:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return sorted(runner.run(_beating(work())))
    finally:
        sys.setswitchinterval(before)


async def _beating(work: Coroutine[Any, Any, None]) -> Held:
    late: Held = []
    working = asyncio.ensure_future(work)
    while not working.done():
        begun = time.perf_counter()
        await asyncio.sleep(_BEAT_SECONDS)
        late.append((time.perf_counter() - begun - _BEAT_SECONDS) * 1000)
    await working
    return late
