"""litellm before providers that the development provider does not play: odd streams and odd refusals."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from agents.failures import REACTIONS
from agents.ports import Ended, ModelFailed, Prompt, PromptMessage, Said
from sluice.bots import Route
from sluice.clock import utc_now
from sluice.errors import ErrorCode
from sluice.safe_text import SafeText
from streams.litellm_model import LitellmModel
from tests.samples import TRACE

# litellm 1.106 touches deprecated corners of pydantic and leaves its client's sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Item .* on TypedDict class:UserWarning"),
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PLANTED = "planted words nobody may repeat"
PROMPT = Prompt((PromptMessage("user", SafeText(PLANTED)),), 500, 3, TRACE, "attempt-1")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler], Awaitable[LitellmModel]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> LitellmModel:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        return LitellmModel(lambda _route: base, lambda _route: None, utc_now)

    yield start
    for runner in runners:
        await runner.cleanup()


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **over: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices} | over


def says(*chunks: dict[str, Any]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for one in chunks:
            await response.write(b"data: " + json.dumps(one).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    return handler


def refuses(status: int, message: str, code: str, kind: str = "") -> Handler:
    async def handler(_request: web.Request) -> web.StreamResponse:
        error = {"message": f"{message} {PLANTED}", "type": kind or code, "code": code, "param": None}
        return web.json_response({"error": error}, status=status)

    return handler


async def heard(model: LitellmModel) -> list[Said | Ended]:
    route = Route(model="openai/any", api_key="UNSET")
    return [part async for part in model.stream(route, PROMPT)]


@pytest.fixture(autouse=True)
def a_key_for_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a secret of ours, litellm's OpenAI client wants one of its own."""
    monkeypatch.setenv("OPENAI_API_KEY", "any")


async def test_an_answer_without_usage_says_so(serve: Serve):
    model = await serve(says(chunk({"role": "assistant", "content": "Hi"}), chunk({}, "stop")))
    *pieces, last = await heard(model)
    assert [piece.text for piece in pieces if isinstance(piece, Said)] == ["Hi"]
    assert isinstance(last, Ended)
    assert (last.usage, last.finish_reason) == (None, "stop")


async def test_an_answer_that_reached_its_length_says_so(serve: Serve):
    *_, last = await heard(await serve(says(chunk({"content": "Hi"}), chunk({}, "length"))))
    assert isinstance(last, Ended)
    assert last.finish_reason == "length"


async def test_usage_beside_the_last_piece_is_taken(serve: Serve):
    usage = {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}
    *_, last = await heard(await serve(says(chunk({"content": "Hi"}), chunk({}, "stop"), chunk(None, usage=usage))))
    assert isinstance(last, Ended)
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.estimated) == (7, 1, False)


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (
            refuses(400, "This model's maximum context length is 8 tokens.", "context_length_exceeded"),
            ErrorCode.MODEL_CONTEXT_TOO_LONG,
        ),
        (
            refuses(400, "Your request was rejected.", "content_policy_violation", "invalid_request_error"),
            ErrorCode.MODEL_CONTENT_FILTERED,
        ),
        (refuses(400, "max_tokens is too large", "invalid_value"), ErrorCode.MODEL_REFUSED_REQUEST),
        pytest.param(
            refuses(403, "not for you", "forbidden"),
            ErrorCode.MODEL_REFUSED_KEY,
        ),
        (refuses(408, "too slow", "timeout"), ErrorCode.MODEL_UNAVAILABLE),
        (refuses(502, "bad gateway", "bad_gateway"), ErrorCode.MODEL_UNAVAILABLE),
    ],
)
async def test_a_refusal_has_its_code_and_none_of_the_providers_words(serve: Serve, handler: Handler, code: ErrorCode):
    with pytest.raises(ModelFailed) as failed:
        await heard(await serve(handler))
    assert REACTIONS[failed.value.kind].code is code
    assert PLANTED not in repr(failed.value)
    assert failed.value.__cause__ is None


async def test_a_stream_that_ends_without_a_reason_is_broken(serve: Serve):
    with pytest.raises(ModelFailed) as failed:
        await heard(await serve(says(chunk({"content": "Hi"}))))
    assert REACTIONS[failed.value.kind].code is ErrorCode.MODEL_STREAM_BROKEN
