"""One suite over the model port: the double, and litellm against the development provider over real HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from aiohttp import web
from pydantic import SecretStr

from agents.failures import FailureKind
from agents.means import Means
from agents.ports import Ended, LanguageModel, ModelFailed, Prompt, PromptMessage, Said
from agents.respond import Respond
from agents.stop_signal import StopSignal
from local.provider.server import Provider
from sluice.bots import DEVELOPMENT_BASE, Bot, Bots, Limits, Retry, Route, Template
from sluice.clock import utc_now
from sluice.events import AttemptMetered, PromptReady, TurnFailed, Usage
from sluice.safe_text import SafeText
from streams.litellm_model import LitellmPrices
from streams.models import Models
from tests.doubles import EventList, ManualClock, ScriptedModel, TablePrices, counting, ended, said
from tests.ports import free_ports
from tests.samples import SAMPLES, TRACE

# litellm warns about its own types and leaves sockets to the garbage collector; none of it is ours.
pytestmark = pytest.mark.filterwarnings("ignore")
KEY, PLANTED = "planted-key-5150", "planted words nobody may log"
PROMPT = Prompt((PromptMessage("user", SafeText(PLANTED)),), 500, 3, TRACE, "attempt-1")


@pytest.fixture
async def served() -> AsyncIterator[tuple[Provider, str]]:
    numbers = iter(range(10**6))
    provider = Provider(KEY, lambda: f"call-{next(numbers)}")
    runner = web.AppRunner(provider.app(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    port = free_ports(1)[0]
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield provider, f"http://127.0.0.1:{port}/v1"
    await runner.cleanup()


MADE: list[Models] = []


@pytest.fixture(autouse=True)
async def hung_up() -> AsyncIterator[None]:
    yield
    while MADE:
        await MADE.pop().aclose()


def real(base: str, key: str = KEY) -> Models:
    bots = Bots(by_name={"b": BOT}, templates={}, provider_base=base.removesuffix("/v1"))
    MADE.append(Models(bots, lambda _name: SecretStr(key), utc_now))
    return MADE[-1]


@pytest.fixture(autouse=True, params=["openai", "hosted_vllm"])
def prefix(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to the same server: the lean one, and litellm's."""
    monkeypatch.setitem(ROUTES, "prefix", request.param)


ROUTES: dict[str, str] = {}


def route(name: str, **more: Any) -> Route:
    return Route(model=f"{ROUTES['prefix']}/{name}", api_base=f"{DEVELOPMENT_BASE}/v1", api_key="SOME_KEY", **more)


BOT = Bot(name="b", description="d", template="assistant@1", route=(Route(model="m"),))


@pytest.fixture(params=["double", "real"])
async def model(request, served) -> LanguageModel:
    if request.param == "double":
        return ScriptedModel([*said(PLANTED), ended()])
    return real(served[1])


async def test_pieces_then_one_end_with_the_tokens(model: LanguageModel):
    parts = [part async for part in model.stream(route("instant"), PROMPT)]
    assert "".join(part.text for part in parts if isinstance(part, Said)) == PLANTED
    last = parts[-1]
    assert isinstance(last, Ended)
    assert last.finish_reason == "stop"
    assert last.usage is not None
    assert not last.usage.estimated
    assert sum(isinstance(part, Ended) for part in parts) == 1


async def test_tokens_are_counted_where_nobody_said(model: LanguageModel):
    usage = model.count(route("instant"), PROMPT, "three small words")
    assert usage.estimated
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens == 3
    assert model.count(route("instant"), PROMPT, "").completion_tokens == 0


async def test_the_tokens_are_those_of_the_meter(served):
    provider, base = served
    parts = [part async for part in real(base).stream(route("instant"), PROMPT)]
    call = provider.meter.calls[0]
    assert isinstance(parts[-1], Ended)
    assert parts[-1].usage == Usage(
        prompt_tokens=call.prompt_tokens, completion_tokens=call.completion_tokens, estimated=False
    )
    assert parts[-1].call_id == call.call_id
    assert TRACE.split("-")[1] in call.traceparent


async def test_closing_hangs_up(served):
    provider, base = served
    stream = real(base).stream(route("story"), PROMPT)
    assert isinstance(await anext(stream), Said)
    await stream.aclose()
    async with asyncio.timeout(30):
        while provider.meter.calls[0].state != "disconnected":  # noqa: ASYNC110 (a real peer has no event to wait for)
            await asyncio.sleep(0.01)
    assert provider.meter.calls[0].completion_tokens < 100


async def listen(model: LanguageModel, name: str, heard: list[object]) -> None:
    async for part in model.stream(route(name), PROMPT):
        heard.append(part)  # noqa: PERF401 (what came before the failure counts)


SWALLOWED = {FailureKind.MALFORMED_CHUNK: FailureKind.NO_END_MARK}
"""What litellm does not pass on: it drops a chunk it cannot read, and ends. The code and the reaction are the same."""
FAULTS = [
    ("rate-limited", FailureKind.RATE_LIMITED, 0),
    ("rate-limited-bare", FailureKind.RATE_LIMITED, 0),
    ("error-500-once", FailureKind.SERVER_ERROR, 0),
    ("unavailable-503", FailureKind.OVERLOADED, 0),
    ("reset-before-headers", FailureKind.UNREACHABLE, 0),
    ("cut-after-20", FailureKind.CUT, 20),
    ("malformed-after-20", FailureKind.MALFORMED_CHUNK, 20),
    ("unheard-of", FailureKind.REFUSED_REQUEST, 0),
]


@pytest.mark.parametrize(("name", "kind", "pieces"), FAULTS)
async def test_each_fault_has_its_kind_and_tells_nothing(served, caplog, capfd, name, kind, pieces):
    caplog.set_level(logging.DEBUG)
    heard: list[object] = []
    with pytest.raises(ModelFailed) as failed:
        await listen(real(served[1]), name, heard)
    if ROUTES["prefix"] == "hosted_vllm":
        kind = SWALLOWED.get(kind, kind)
    assert (failed.value.kind, len(heard)) == (kind, pieces)
    assert failed.value.retry_after_seconds == (1.0 if name == "rate-limited" else None)
    assert failed.value.__cause__ is None
    shown = caplog.text + "".join(capfd.readouterr()) + repr(failed.value)
    assert KEY not in shown
    own = "\n".join(r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING) + repr(failed.value)
    assert PLANTED not in own


async def test_a_wrong_key(served):
    with pytest.raises(ModelFailed) as failed:
        _ = [part async for part in real(served[1], "wrong").stream(route("instant"), PROMPT)]
    assert failed.value.kind is FailureKind.REFUSED_KEY


@pytest.mark.parametrize("name", ["no-response", "slow-first-token", "stall-after-20"])
async def test_silence_is_ended_by_our_own_watch(served, name):
    bot = Bot(
        name="b",
        description="d",
        template="assistant@1",
        route=(route(name),),
        retry=Retry(per_model=0),
        limits=Limits(first_token_seconds=1, gap_seconds=0.5),
    )
    sample = SAMPLES["PromptReady"]
    assert isinstance(sample, PromptReady)
    clock = ManualClock()
    ready = msgspec.structs.replace(
        sample, refusal=None, context=None, sampling=None, deadline_at=clock.now + timedelta(seconds=30)
    )
    emitted = EventList()
    await Respond(Means(real(served[1]), TablePrices(), clock, counting(), lambda: 1, lambda: 0.0))(
        ready, bot, Template(id="assistant@1", hash="x", source="Be brief."), StopSignal(), clock.now, emitted
    )
    failed = next(event for event in emitted.events if isinstance(event, TurnFailed))
    assert failed.code == "model_timeout"
    row = next(event for event in emitted.events if isinstance(event, AttemptMetered))
    assert row.usage.estimated
    assert (row.usage.completion_tokens > 0) == (name == "stall-after-20")


async def test_warming_up_asks_nobody(served):
    await real(served[1]).warm_up()
    assert served[0].meter.calls == []


def test_prices_of_the_table():
    usage = Usage(prompt_tokens=1_000_000, completion_tokens=0, estimated=False)
    assert LitellmPrices().cost_usd("gpt-4o-mini", usage) == Decimal("0.15")
    assert LitellmPrices().cost_usd("openai/assistant", usage) is None
