"""The development provider over real HTTP on loopback: what a client of OpenAI's interface would see."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from local.provider.behaviours import BEHAVIOURS
from local.provider.meter import Meter
from local.provider.server import Provider

KEY = {"Authorization": "Bearer the-key"}
WORDS = "one two three four five"


@pytest.fixture
def provider() -> Provider:
    numbers = iter(range(1000))
    return Provider("the-key", lambda: f"call-{next(numbers)}")


@pytest.fixture
async def client(provider: Provider) -> AsyncIterator[aiohttp.ClientSession]:
    runner = web.AppRunner(provider.app(), handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession(f"http://{host}:{port}", headers=KEY) as session:
        yield session
    await runner.cleanup()


def body(model: str = "instant", **over: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": WORDS}]} | over


async def post(client: aiohttp.ClientSession, **over: Any) -> tuple[int, Any]:
    async with client.post("/v1/chat/completions", json=body(**over)) as answer:
        return answer.status, await answer.json()


async def streamed(client: aiohttp.ClientSession, **over: Any) -> list[Any]:
    async with client.post("/v1/chat/completions", json=body(**over, stream=True)) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        lines = (await answer.text()).splitlines()
    shown = [line.removeprefix("data: ") for line in lines if line]
    assert shown[-1] == "[DONE]"
    return [json.loads(line) for line in shown[:-1]]


def text_of(chunks: list[Any]) -> str:
    return "".join(c["delta"].get("content", "") for chunk in chunks for c in chunk["choices"])


async def test_the_list_of_models_is_the_table_of_behaviours(client: aiohttp.ClientSession):
    async with client.get("/v1/models") as answer:
        listed = (await answer.json())["data"]
    assert {model["id"]: model["description"] for model in listed} == {
        name: behaviour.description for name, behaviour in BEHAVIOURS.items()
    }


async def test_it_is_alive(client: aiohttp.ClientSession):
    async with client.get("/healthz") as answer:
        assert await answer.json() == {"status": "ok"}


async def test_a_whole_answer_and_what_it_costs(client: aiohttp.ClientSession, provider: Provider):
    status, answer = await post(client)
    assert (status, answer["id"], answer["choices"][0]["message"]["content"]) == (200, "call-0", WORDS)
    call = provider.meter.calls[0]
    assert answer["usage"] == {
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "total_tokens": call.prompt_tokens + call.completion_tokens,
    }
    assert (call.completion_tokens, call.prompt_tokens, call.state) == (5, 5 + 3, "completed")


async def test_a_streamed_answer_ends_with_its_usage_where_asked(client: aiohttp.ClientSession):
    chunks = await streamed(client, stream_options={"include_usage": True})
    assert text_of(chunks) == WORDS
    assert [c["finish_reason"] for chunk in chunks for c in chunk["choices"]][-1] == "stop"
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["completion_tokens"]) == ([], 5)
    assert {chunk["id"] for chunk in chunks} == {"call-0"}


async def test_a_streamed_answer_says_nothing_of_usage_where_nobody_asked(client: aiohttp.ClientSession):
    chunks = await streamed(client)
    assert text_of(chunks) == WORDS
    assert all("usage" not in chunk for chunk in chunks)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_an_answer_is_no_longer_than_asked(client: aiohttp.ClientSession, provider: Provider, name: str):
    assert text_of(await streamed(client, **{name: 2})) == "one two"
    assert (await post(client, **{name: 2}))[1]["choices"][0]["message"]["content"] == "one two"
    assert [call.completion_tokens for call in provider.meter.calls] == [2, 2]


async def test_an_answer_cut_short_says_so(client: aiohttp.ClientSession):
    assert (await post(client, max_tokens=2))[1]["choices"][0]["finish_reason"] == "length"


async def test_content_may_come_in_parts(client: aiohttp.ClientSession):
    parts = [{"type": "text", "text": "a "}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"}]
    _, answer = await post(client, messages=[{"role": "user", "content": parts}])
    assert answer["choices"][0]["message"]["content"] == "a b"
    assert (await post(client, messages=[]))[1]["choices"][0]["message"]["content"] == ""


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong"}, {"Authorization": ""}])
async def test_a_wrong_key_is_refused_and_not_metered(client: aiohttp.ClientSession, provider: Provider, headers):
    async with client.post("/v1/chat/completions", json=body(), headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (401, "invalid_api_key")
    assert provider.meter.calls == []


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff", b"[]", b"{}", b'{"model":"echo"}']
    + [
        json.dumps(body(messages=wrong)).encode()
        for wrong in ("text", None, [{"role": "user"}], [{"role": "user", "content": 5}])
    ],
)
async def test_what_is_no_request_is_refused(client: aiohttp.ClientSession, provider: Provider, raw: bytes):
    async with client.post("/v1/chat/completions", data=raw) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, "invalid_request")
    assert provider.meter.calls == []


@pytest.mark.parametrize(
    "over",
    [
        {"max_tokens": "many"},
        {"stream": True, "stream_options": "all"},
        {"messages": [{"role": "u", "content": ["x"]}]},
    ],
)
async def test_fields_of_a_wrong_type_are_refused(client: aiohttp.ClientSession, over):
    async with client.post("/v1/chat/completions", json=body(**over)) as answer:
        assert answer.status == 400


async def test_an_unknown_model_is_not_found(client: aiohttp.ClientSession):
    status, answer = await post(client, model="nobody")
    assert (status, answer["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize(
    ("model", "status", "retry_after"),
    [("rate-limited", 429, "1"), ("rate-limited-bare", 429, None), ("unavailable-503", 503, None)],
)
async def test_a_refusal_bills_nothing(client: aiohttp.ClientSession, provider: Provider, model, status, retry_after):
    async with client.post("/v1/chat/completions", json=body(model)) as answer:
        assert (answer.status, answer.headers.get("Retry-After")) == (status, retry_after)
    (call,) = provider.meter.calls
    assert (call.state, call.prompt_tokens, call.completion_tokens) == ("refused", 0, 0)


async def test_every_other_call_fails(client: aiohttp.ClientSession):
    assert (await post(client, model="error-500-once"))[0] == 500
    async with client.post("/v1/chat/completions", json=body("error-500-once", stream=True)) as answer:
        assert answer.status == 200
    assert (await post(client, model="error-500-once"))[0] == 500


async def test_a_reset_comes_before_the_headers(client: aiohttp.ClientSession, provider: Provider):
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(client, model="reset-before-headers")
    assert provider.meter.calls[0].state == "refused"


async def test_a_cut_comes_after_twenty_tokens(client: aiohttp.ClientSession, provider: Provider):
    heard: list[bytes] = []

    async def listen() -> None:
        async with client.post("/v1/chat/completions", json=body("cut-after-20", stream=True)) as answer:
            async for line in answer.content:
                heard.append(line)  # noqa: PERF401 (what came before the cut counts)

    with pytest.raises(aiohttp.ClientError):
        await listen()
    assert b"".join(heard).count(b'"content"') == 20 + 1
    assert (provider.meter.calls[0].state, provider.meter.calls[0].completion_tokens) == ("failed", 20)


async def test_a_chunk_that_is_no_json_comes_after_twenty_tokens(client: aiohttp.ClientSession, provider: Provider):
    async with client.post("/v1/chat/completions", json=body("malformed-after-20", stream=True)) as answer:
        lines = [line for line in (await answer.text()).splitlines() if line]
    assert len(lines) == 1 + 20 + 1
    with pytest.raises(ValueError, match="property name"):
        json.loads(lines[-1].removeprefix("data: "))
    assert provider.meter.calls[0].state == "failed"


@pytest.mark.parametrize(
    ("model", "pieces", "state", "left_as"),
    [
        ("no-response", 0, "failed", "failed"),
        ("slow-first-token", 0, "running", "disconnected"),
        ("stall-after-20", 21, "failed", "disconnected"),
        ("story", 2, "running", "disconnected"),
    ],
)
async def test_silence_lasts_until_the_client_leaves(client, provider: Provider, model, pieces, state, left_as):
    async def listen() -> None:
        async with client.post("/v1/chat/completions", json=body(model, stream=True)) as answer:
            async for line in answer.content:
                heard.append(line)  # noqa: PERF401 (looked at while it grows)

    def call() -> tuple[str, bool]:
        return provider.meter.calls[0].state, sum(b"content" in line for line in heard) >= pieces

    heard: list[bytes] = []
    listening = asyncio.create_task(listen())
    async with asyncio.timeout(10):
        while not provider.meter.calls or call() != (state, True):  # noqa: ASYNC110 (the peer is real)
            await asyncio.sleep(0.01)
        assert not listening.done()
        listening.cancel()
        while provider.meter.calls[0].state != left_as:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_the_meter_is_a_witness_for_every_call(client: aiohttp.ClientSession):
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    async with client.post("/v1/chat/completions", json=body(), headers={"traceparent": trace}) as answer:
        assert answer.status == 200
    await post(client, model="rate-limited")
    async with client.get("/meter") as answer:
        report = await answer.json()
    assert [(c["model"], c["state"], c["traceparent"]) for c in report["calls"]] == [
        ("instant", "completed", trace),
        ("rate-limited", "refused", ""),
    ]
    assert report["totals"] == {"calls": 2, "prompt_tokens": 8, "completion_tokens": 5}


def test_the_meter_keeps_the_newest_calls():
    meter = Meter(keep=2)
    for number in range(5):
        meter.begin(f"call-{number}", "m", "", 1)
    assert [call["call_id"] for call in meter.report()["calls"]] == ["call-3", "call-4"]


def test_the_totals_are_of_all_calls():
    meter = Meter(keep=2)
    for number in range(5):
        meter.begin(f"call-{number}", "m", "", 1)
    assert meter.report()["totals"]["calls"] == 5
