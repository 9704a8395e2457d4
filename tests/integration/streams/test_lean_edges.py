"""What servers do around the end of an answer, to the model that reads their streams itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from agents.failures import FailureKind
from agents.ports import Ended, ModelFailed, Prompt, PromptMessage, Said
from sluice.bots import Route
from sluice.clock import utc_now
from sluice.events import Usage
from sluice.safe_text import SafeText
from streams import lean_model
from streams.lean_model import LeanModel
from tests.samples import TRACE

PROMPT = Prompt((PromptMessage("user", SafeText("words for one address only")),), 500, 3, TRACE, "attempt-1")
HI, STOP = {"choices": [{"delta": {"content": "Hi"}}]}, {"choices": [{"delta": {}, "finish_reason": "stop"}]}
BILL = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 1}}
TOLD = Usage(prompt_tokens=7, completion_tokens=1, estimated=False)
Step = dict[str, Any] | bytes | float
"""A chunk, bytes as they are, or seconds of silence."""
Serve = Callable[..., Awaitable[LeanModel]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []
    models: list[LeanModel] = []

    async def start(*steps: Step, redirect: str | None = None, cut: bool = False) -> LeanModel:
        async def handler(request: web.Request) -> web.StreamResponse:
            if redirect is not None:
                raise web.HTTPTemporaryRedirect(redirect)
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            for step in steps:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    await response.write(
                        step if isinstance(step, bytes) else b"data: " + json.dumps(step).encode() + b"\n\n"
                    )
            if cut and request.transport is not None:
                request.transport.abort()
            return response

        app = web.Application()
        app.router.add_post("/v1/chat/completions", handler)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        models.append(LeanModel(lambda _route: base, lambda _route: None, utc_now))
        return models[-1]

    yield start
    for model in models:
        await model.aclose()
    for runner in runners:
        await runner.cleanup()


async def heard(model: LeanModel, **more: Any) -> list[Said | Ended]:
    return [part async for part in model.stream(Route(model="openai/any", **more), PROMPT)]


async def test_nothing_is_waited_for_after_the_end_mark(serve: Serve):
    model = await serve(HI, STOP, BILL, b"data: [DONE]\n\n", 300.0)
    async with asyncio.timeout(30):
        assert (await heard(model))[-1] == Ended("stop", TOLD, None)


async def test_the_bill_is_waited_for_and_not_for_long(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    assert (await heard(await serve(HI, STOP, 0.1, BILL)))[-1] == Ended("stop", TOLD, None)
    monkeypatch.setattr(lean_model, "_BILL_SECONDS", 0.05)
    async with asyncio.timeout(30):
        assert (await heard(await serve(HI, STOP, 300.0)))[-1] == Ended("stop", None, None)


@pytest.mark.parametrize("after", [b"data: {\n\n", b'data: {"error": "too late"}\n\n', b""])
async def test_an_answer_with_its_end_is_whole_whatever_follows(serve: Serve, after: bytes):
    said, ended = await heard(await serve(HI, STOP, after, cut=True))
    assert (said, ended) == (Said(SafeText("Hi"), None, None), Ended("stop", None, None))


async def test_without_an_end_it_is_cut(serve: Serve):
    with pytest.raises(ModelFailed) as failed:
        await heard(await serve(HI, cut=True))
    assert failed.value.kind is FailureKind.CUT


async def test_tokens_so_far_are_taken_where_they_were_asked_for(serve: Serve):
    early = HI | {"usage": {"prompt_tokens": 7, "completion_tokens": 1}}
    assert (await heard(await serve(early, STOP)))[0] == Said(SafeText("Hi"), None, None)
    assert (await heard(await serve(early, STOP), continuous_usage=True))[0] == Said(SafeText("Hi"), TOLD, None)


async def test_the_prompt_does_not_follow_to_another_address(serve: Serve):
    elsewhere = await serve(HI, STOP, b"data: [DONE]\n\n")
    moved = await serve(redirect=elsewhere._api_base(Route(model="openai/any")) + "/chat/completions")
    with pytest.raises(ModelFailed) as failed:
        await heard(moved)
    assert failed.value.kind is FailureKind.REFUSED_REQUEST


async def test_tokens_that_cannot_be_are_not_believed(serve: Serve):
    bill = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2**40}}
    assert (await heard(await serve(HI, STOP, bill, b"data: [DONE]\n\n")))[-1] == Ended("stop", None, None)
