"""A provider over real HTTP and the respond step in front of it; what readers see, and the provider's own meter."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from pydantic import SecretStr

from agents.means import Means
from agents.ports import Look
from agents.respond import Respond
from agents.stop_signal import StopSignal
from local.provider.server import Provider
from sluice.bots import DEVELOPMENT_BASE, Bot, Bots, Limits, Retry, Route, Template
from sluice.clock import utc_now
from sluice.events import AttemptMetered, PromptReady, ReplyEvent
from sluice.ids import new_id
from sluice.replies import reply_of
from sluice.safe_text import SafeText
from streams.models import Models
from tests.doubles import EventList, TablePrices
from tests.samples import SAMPLES

KEY, PLANTED = "planted-key-5150", "planted words nobody may log"
TEXT = "The river came down from the hills, and the keeper raised the gate by a hand's breadth that day."
PATIENT = Limits(first_token_seconds=10, gap_seconds=10, total_seconds=20)
"""Of a model that is to answer: a machine that stands still for a second must not look like a silent model."""


@dataclass
class World:
    """A provider over real HTTP, and the respond step in front of it."""

    provider: Provider
    base: str
    way: str
    models: Models

    async def script(self, name: str, **fields: Any) -> Route:
        pace = {"text": TEXT, "first_token_seconds": 0, "token_seconds": 0}
        async with aiohttp.ClientSession() as session:
            answer = await session.put(f"{self.base}/v1/scripts/{name}", json=pace | fields)
            assert answer.status == 201, await answer.text()
        return self.route(name)

    def route(self, name: str, **more: Any) -> Route:
        url = f"{DEVELOPMENT_BASE}/v1/generation?id={{request_id}}"
        return Route(
            model=f"{self.way}/{name}",
            api_base=f"{DEVELOPMENT_BASE}/v1",
            api_key="KEY",
            usage_url=url,
            price="none",
            **more,
        )

    async def answer(self, *routes: Route, **more: Any) -> EventList:
        """One turn from its prompt to its end."""
        emitted = EventList()
        await self.work(self.ready(**more), routes, emitted)
        return emitted

    def ready(self, **more: Any) -> PromptReady:
        plain: dict[str, Any] = {"refusal": None, "context": None, "sampling": None, "question": SafeText(PLANTED)}
        plain["deadline_at"] = utc_now() + timedelta(seconds=20)
        ready = msgspec.structs.replace(SAMPLES["PromptReady"], **(plain | more))
        assert isinstance(ready, PromptReady)
        return ready

    async def work(
        self,
        ready: PromptReady,
        routes: Sequence[Route],
        log: EventList,
        stop: StopSignal | None = None,
        look: Look | None = None,
        reach: Callable[[str], None] = lambda _point: None,
    ) -> None:
        """What one worker does for a turn."""
        bot = Bot(name="b", description="d", template="t@1", route=routes, limits=PATIENT, retry=Retry(per_model=0))
        means = Means(self.models, TablePrices(), utc_now, new_id, lambda: 1, lambda: 0.0, reach)
        template = Template(id="t@1", hash="x", source="Be brief.")
        await Respond(means)(ready, bot, template, stop or StopSignal(), utc_now(), log, look)

    def check_ledger(self, *logs: EventList) -> None:
        """Each call has its one row, each row the tokens of the meter; nothing was estimated."""
        written = [row for log in logs for row in all_of(log, AttemptMetered)]
        rows = {row.attempt_id: row for row in written}
        assert len(rows) == len(written)
        calls = {call.request_id: call for call in self.provider.meter.calls}
        assert set(calls) <= set(rows)
        for name, row in rows.items():
            billed = (row.usage.prompt_tokens, row.usage.completion_tokens)
            call = calls.get(name)
            assert billed == ((call.prompt_tokens, call.completion_tokens) if call else (0, 0)), row
            assert call is None or not row.usage.estimated, row


@pytest.fixture(params=["openai", "hosted_vllm"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    provider = Provider(KEY, lambda: f"call-{new_id()}")
    runner = web.AppRunner(provider.app(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    bot = Bot(name="b", description="d", template="t@1", route=(Route(model="m"),))
    models = Models(Bots(by_name={"b": bot}, templates={}, provider_base=base), lambda _name: SecretStr(KEY), utc_now)
    await models.warm_up()
    yield World(provider, base, request.param, models)
    await models.aclose()
    await runner.cleanup()


def all_of(emitted: EventList, kind: type) -> list[Any]:
    return [event for event in emitted.events if isinstance(event, kind)]


def transcript(emitted: EventList) -> tuple[str, object]:
    """What a reader ends up with."""
    replies = [event for event in emitted.events if isinstance(event, ReplyEvent)]
    reply = reply_of(replies[0])
    for event in replies:
        reply.apply(event)
    return reply.text, reply.terminal
