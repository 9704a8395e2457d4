"""Every fault of the development provider over real HTTP, by model name, and what its meter says."""

import json
from collections.abc import AsyncIterator

import pytest

from local.provider.answers import tokens_of
from local.provider.server import Provider
from tests.provider_client import FAST, PROMPT, STORY, TWENTY, USER, Client, Heard, bill, leave_when, served
from tests.waiting import meanwhile


@pytest.fixture
def provider() -> Provider:
    numbers = iter(range(1000))
    return Provider("the-key", lambda: f"call-{next(numbers)}")


@pytest.fixture
async def client(provider: Provider) -> AsyncIterator[Client]:
    async with served(provider) as client:
        yield client


REFUSED = [
    ("overloaded-529", 529, "overloaded_error"),
    ("no-balance-402", 402, "insufficient_balance"),
    ("forbidden-403", 403, "permission_denied"),
    ("bad-request", 400, "invalid_request_error"),
    ("content-filter", 400, "content_filter"),
]


@pytest.mark.parametrize(("model", "status", "code"), REFUSED)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_refusal_is_in_openais_shape_and_costs_nothing(client, provider, model, status, code, stream):
    heard = await client.ask(model, stream=stream)
    assert (heard.status, json.loads(heard.raw)["error"]["code"]) == (status, code)
    assert bill(provider) == ("refused", 0, 0)


async def test_a_context_that_is_too_long_can_be_shortened(client, provider):
    long = [{"role": "user", "content": "word " * 37}]
    heard = await client.ask("context-too-long", FAST, messages=[*long, USER])
    assert (heard.status, json.loads(heard.raw)["error"]["code"]) == (400, "context_length_exceeded")
    assert bill(provider) == ("refused", 0, 0)
    heard = await client.ask("context-too-long", FAST, messages=[{"role": "user", "content": "word " * 36}])
    assert (heard.text, heard.done) == (STORY, True)
    assert bill(provider)[1] == 36 + 1 + 3


async def test_a_login_page_is_no_stream(client, provider):
    heard = await client.ask("html")
    assert (heard.status, heard.headers["Content-Type"].split(";")[0]) == (200, "text/html")
    assert "Sign in" in heard.raw
    assert bill(provider) == ("refused", 0, 0)


MIDWAY = [
    ("cut-after-20", True, None),
    ("malformed-after-20", False, "{not json"),
    ("error-in-stream-after-20", False, "server_error"),
    ("rate-limited-in-stream-after-20", False, "rate_limit_exceeded"),
    ("no-end-mark-after-20", False, None),
]


@pytest.mark.parametrize(("model", "broken", "last"), MIDWAY)
async def test_a_fault_comes_after_twenty_tokens(client, provider, model, broken, last):
    heard = await client.ask(model, {"token_seconds": 0})
    assert (heard.text, heard.broken, heard.done, heard.finish) == (TWENTY, broken, False, [])
    assert last is None or last in heard.events[-1]
    assert last is not None or "content" in heard.events[-1]
    assert bill(provider) == ("failed", PROMPT, 20)


async def test_the_error_objects_are_openais(client):
    first = (await client.ask("error-in-stream-after-20", FAST)).chunks[-1]
    assert (first["error"]["type"], first["error"]["code"]) == ("server_error", "server_error")
    second = (await client.ask("rate-limited-in-stream-after-20", FAST)).chunks[-1]
    assert (second["error"]["type"], second["error"]["code"]) == ("rate_limit_exceeded", 429)


ENDS = [
    ("missing-done", STORY, "stop", False),
    ("empty", "", "stop", True),
    ("content-filter-in-stream", TWENTY, "content_filter", True),
    ("length", TWENTY, "length", True),
    ("no-usage", STORY, "stop", True),
]


@pytest.mark.parametrize(("model", "text", "finish", "done"), ENDS)
async def test_an_end_of_its_own_kind_is_metered_as_said(client, provider, model, text, finish, done):
    heard = await client.ask(model, FAST, stream_options={"include_usage": True, "continuous_usage_stats": True})
    assert (heard.text, heard.finish, heard.done) == (text, [finish], done)
    assert bill(provider) == ("completed", PROMPT, len(tokens_of(text)))
    told = [chunk["usage"]["completion_tokens"] for chunk in heard.chunks if "usage" in chunk]
    assert told[-1:] == ([] if model == "no-usage" else [len(tokens_of(text))])
    answer = await client.whole(model)
    choice = answer["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (text, finish)
    assert ("usage" in answer) == (model != "no-usage")


async def test_the_same_word_for_ever_until_the_client_leaves(client, provider):
    heard = Heard()
    await leave_when(client, lambda: len(heard.events) > 100, heard, "repeated-chunks", FAST)
    assert set(tokens_of(heard.text)) == {" again"}
    await meanwhile(lambda: provider.meter.calls[0].state == "disconnected")
    assert provider.meter.calls[0].completion_tokens >= len(heard.events) - 1
    answer = await client.whole("repeated-chunks", max_tokens=3)
    assert answer["choices"][0] | {"index": 0} == {
        "index": 0,
        "message": {"role": "assistant", "content": " again again again"},
        "finish_reason": "length",
    }


async def test_headers_then_silence(client, provider):
    heard = Heard()
    await leave_when(client, lambda: heard.status and bill(provider)[0] == "failed", heard, "headers-no-token", FAST)
    assert (heard.status, heard.events) == (200, [])
    assert bill(provider)[1:] == (PROMPT, 0)


async def test_headers_then_a_cut(client, provider):
    heard = await client.ask("cut-before-first-token")
    assert (heard.status, heard.events, heard.broken) == (200, [], True)
    assert bill(provider) == ("failed", PROMPT, 0)


async def test_a_beginning_is_gone_on_with_refused_or_said_again(client, provider):
    begun = {"messages": [USER, {"role": "assistant", "content": TWENTY}]}
    assert (await client.ask("story", FAST, **begun)).text == STORY.removeprefix(TWENTY)
    assert (await client.ask("repeats-prefill", FAST, **begun)).text == STORY
    heard = await client.ask("refuses-prefill", FAST, **begun)
    assert (heard.status, json.loads(heard.raw)["error"]["code"]) == (400, "invalid_request_error")
    assert bill(provider) == ("refused", 0, 0)
    assert (await client.ask("refuses-prefill", FAST)).text == STORY


async def test_a_fault_of_its_own_goes_with_a_refused_beginning(client, provider):
    begun = [USER, {"role": "assistant", "content": TWENTY}]
    heard = await client.ask("html", {"prefill": "refuse"}, messages=begun)
    assert heard.status == 400
    assert (await client.ask("reset-before-headers", messages=begun)).broken
    assert bill(provider) == ("refused", 0, 0)


async def test_a_model_flaps(client):
    statuses = []
    for _ in range(12):
        async with client.asking("flapping") as answer:
            statuses.append(answer.status)
    assert statuses == [503] * 4 + [200] * 4 + [503] * 4


async def test_who_hangs_up_on_a_whole_answer_pays_for_the_question(client, provider):
    heard = Heard()
    slow = {"first_token_seconds": 3600}
    await leave_when(client, lambda: provider.meter.calls, heard, "echo", slow, stream=False)
    await meanwhile(lambda: bill(provider) == ("disconnected", PROMPT, 0))
