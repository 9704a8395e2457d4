"""What respond adds to a model's stream: CPU of a chunk, CPU of a turn, and how many streams one worker bears."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import uvloop

from agents.means import Means
from agents.ports import Ended, LanguageModel, Prompt, PromptMessage, Said
from agents.respond import Respond
from agents.stop_signal import StopSignal
from benchmarks.measurement import NothingMeasured, Result, percentile, spread
from benchmarks.options import Options
from benchmarks.running import environment_for, progress
from sluice.bots import Bot, Limits, Price, Route, Template
from sluice.clock import utc_now
from sluice.events import DeltaProduced, Event, PromptReady, Usage
from sluice.ids import new_id
from sluice.safe_text import own_words
from sluice.settings import Settings
from streams.lean_model import LeanModel
from tests.samples import SAMPLES, TRACE

T = TypeVar("T")
_CHUNKS, _CALLS = 500, 12
_TURN_CHUNKS, _TURNS = 50, 400
_ALONE, _STEPS, _STREAM_TOKENS = 12, (25, 50, 100, 150, 200, 300, 400), 150
_MOST_TIMES = 3.0
_BARS = {"turn_ms": 2.0, "streams": 100.0}
_PRICE = Price(prompt_per_million_usd=Decimal(1), completion_per_million_usd=Decimal(1))


def relay(options: Options) -> Result:
    """Against the development provider in a process of its own."""
    result = Result(
        "relay",
        notes=[
            f"chunk: CPU of {_CALLS} calls of {_CHUNKS} chunks without think time, lean; floor: litellm's own stream.",
            f"turn: CPU of the router for a turn of {_TURN_CHUNKS} pieces from a model in memory; floor: the bar.",
            (
                f"streams: live streams of a token each 20 ms in one process, until first-token p95 is over "
                f"{_MOST_TIMES:g} times that of a stream alone; floor: the bar. Provider and worker share the machine."
            ),
        ],
    )
    with _provider(options.port_offset) as base:
        key = Settings().dev_key.get_secret_value()
        lean, litellm = _run(_chunks(base, key))
        result.add("relay.chunk", lean, "us", litellm)
        progress(f"a chunk: lean {lean:.0f} us, litellm {litellm:.0f} us")
        turn = _run(_turn())
        result.add("relay.turn", turn, "ms", _BARS["turn_ms"])
        streams, details = _run(_streams(base, key))
        result.add("relay.streams", streams, "streams", _BARS["streams"])
        result.details["first_token_ms"] = details
    return result


def _run(measured: Coroutine[Any, Any, T]) -> T:
    """In the loop that workers have."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measured)


@contextmanager
def _provider(port_offset: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as home:
        environment = environment_for(Path(home), port_offset)
        address = Settings(home=Path(home), port_offset=port_offset).provider_url
        process = subprocess.Popen([sys.executable, "-m", "local.provider"], env=environment, stdout=subprocess.DEVNULL)
        try:
            _wait_for(address.removesuffix("/v1") + "/healthz")
            yield address
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=1):  # nosec B310
                return
        except OSError:
            time.sleep(0.1)
    raise NothingMeasured(f"{url} does not answer")


async def _chunks(base: str, key: str) -> tuple[float, float]:
    """CPU microseconds of a chunk, lean and litellm's, in turns."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm  # noqa: PLC0415 (seconds; told above)

    litellm.suppress_debug_info = True
    model = LeanModel(lambda _route: base, lambda _route: key, utc_now)
    text = own_words("a " * _CHUNKS)
    prompt = Prompt((PromptMessage("user", text),), 10 * _CHUNKS, 3, TRACE, "bench")

    async def lean() -> int:
        async with aclosing(model.stream(Route(model="openai/instant"), prompt)) as stream:
            return sum([isinstance(part, Said) async for part in stream])

    async def litellms() -> int:
        stream = await litellm.acompletion(
            model="openai/instant",
            api_base=base,
            api_key=key,
            stream=True,
            max_tokens=10 * _CHUNKS,
            messages=[{"role": "user", "content": text}],
        )
        return sum([bool(chunk.choices and chunk.choices[0].delta.content) async for chunk in stream])

    used = {lean: 0.0, litellms: 0.0}
    for number in range(-1, _CALLS):  # the first of each only warms up
        for way in used:
            before = time.process_time()
            if await way() < _CHUNKS:
                raise NothingMeasured("chunks are missing")
            used[way] += time.process_time() - before if number >= 0 else 0.0
    await model.aclose()
    return used[lean] / (_CALLS * _CHUNKS) * 1e6, used[litellms] / (_CALLS * _CHUNKS) * 1e6


class _Unbilled:
    """Nobody is asked for a bill."""

    def count(self, _route: Route, _prompt: Prompt, _answer: str) -> Usage:
        return Usage(prompt_tokens=0, completion_tokens=0, estimated=True)

    async def billed(self, _route: Route, _attempt_id: str, _call_id: str | None) -> Usage | None:
        return None


class _Lean(_Unbilled, LeanModel):
    """The lean way alone."""


class _Memory(_Unbilled):
    """Says so many pieces, each in a breath of its own: pieces that come at once would be one delta."""

    def __init__(self, parts: list[Said | Ended]) -> None:
        self.parts = parts

    async def stream(self, _route: Route, _prompt: Prompt) -> AsyncGenerator[Said | Ended, None]:
        for part in self.parts:
            yield part
            await asyncio.sleep(0)
            await asyncio.sleep(0)


@dataclass(slots=True)
class _Log:
    """Notes when the first delta came."""

    first_at: float = 0.0
    events: int = 0

    async def emit(self, event: Event) -> None:
        self.events += 1
        if not self.first_at and isinstance(event, DeltaProduced):
            self.first_at = time.perf_counter()

    async def settled(self) -> None:
        return


class _NoPrices:
    """Routes have their own."""

    version = "none"

    def cost_usd(self, _model: str, _usage: Usage) -> Decimal | None:
        return None


class _Stage:
    """The respond step with one model, and a log in memory."""

    def __init__(self, model: LanguageModel, route: Route, tokens: int) -> None:
        self._respond = Respond(Means(model, _NoPrices(), utc_now, new_id, lambda: 1, lambda: 0.0))
        limits = Limits(output_tokens=tokens)
        self._bot = Bot(name="b", description="d", template="t@1", route=(route,), limits=limits)
        self._template = Template(id="t@1", hash="x", source="Be brief.")

    async def answer(self) -> _Log:
        """One turn."""
        log, now = _Log(), utc_now()
        sample = SAMPLES["PromptReady"]
        plain: dict[str, Any] = {"refusal": None, "context": None, "sampling": None, "turn_id": new_id()}
        ready = msgspec.structs.replace(sample, deadline_at=now + timedelta(seconds=120), **plain)
        if not isinstance(ready, PromptReady):
            raise TypeError
        await self._respond(ready, self._bot, self._template, StopSignal(), now, log)
        return log


async def _turn() -> float:
    """CPU milliseconds of a turn, without what the model itself takes."""
    usage = Usage(prompt_tokens=9, completion_tokens=_TURN_CHUNKS, estimated=False)
    parts: list[Said | Ended] = [
        *(Said(f" piece{number}") for number in range(_TURN_CHUNKS)),
        Ended("stop", usage, "c"),
    ]
    model = _Memory(parts)
    stage = _Stage(model, Route(model="m", price=_PRICE), 1000)
    for _ in range(20):
        await stage.answer()
    before = time.process_time()
    for _ in range(_TURNS):
        if (await stage.answer()).events < _TURN_CHUNKS:
            raise NothingMeasured("deltas are missing")
    return (time.process_time() - before) / _TURNS * 1000


async def _streams(base: str, key: str) -> tuple[float, dict[str, Any]]:
    model = _Lean(lambda _route: base, lambda _route: key, utc_now)
    route = Route(model="openai/story", price=_PRICE, concurrency=10_000)
    stage = _Stage(model, route, _STREAM_TOKENS)
    details: dict[str, Any] = {}

    async def first_token(delay: float) -> float:
        await asyncio.sleep(delay)
        begun = time.perf_counter()
        log = await stage.answer()
        return (log.first_at - begun) * 1000

    await first_token(0)
    alone = [await first_token(0) for _ in range(_ALONE)]
    bound, reached = _MOST_TIMES * percentile(alone, 95), 0
    details["alone"] = spread(alone)
    lasts = _STREAM_TOKENS * 0.02
    for streams in _STEPS:
        begun = time.process_time()
        times = await asyncio.gather(*(first_token(lasts * number / streams) for number in range(2 * streams)))
        details[str(streams)] = spread(times) | {"cpu_seconds": round(time.process_time() - begun, 2)}
        progress(f"{streams} streams: first token {details[str(streams)]}, bound {bound:.0f} ms")
        if percentile(times, 95) > bound:
            break
        reached = streams
    await model.aclose()
    return float(reached), details
