"""Scripts of the development provider over real HTTP, the lookup of a call, usage so far, and the meter."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from local.provider.answers import tokens_of
from local.provider.faults import FAULTS, Fault
from local.provider.server import Provider
from tests.provider_client import FAST, PROMPT, USER, Client, Heard, bill, leave_when, served
from tests.waiting import meanwhile

WORDS = FAST | {"text": "one two three four five"}


@pytest.fixture
def provider() -> Provider:
    numbers = iter(range(1000))
    return Provider("the-key", lambda: f"call-{next(numbers)}")


@pytest.fixture
async def client(provider: Provider) -> AsyncIterator[Client]:
    async with served(provider) as client:
        yield client


async def put(client: Client, name: str, script: dict[str, Any]) -> tuple[int, Any]:
    return await client.send("PUT", f"/v1/scripts/{name}", json.dumps(script))


async def test_a_script_in_the_header_changes_one_request(client, provider):
    heard = await client.ask("echo", WORDS | {"fault": "cut", "after_tokens": 2})
    assert (heard.text, heard.broken) == ("one two", True)
    assert bill(provider) == ("failed", PROMPT, 2)
    heard = await client.ask("echo")
    assert (heard.text, heard.done) == ("Go", True)


@pytest.mark.parametrize("after", range(6))
async def test_a_fault_comes_at_any_token(client, provider, after):
    heard = await client.ask("echo", WORDS | {"fault": "no_end_mark", "after_tokens": after})
    assert (heard.text, heard.done, heard.finish) == ("".join(tokens_of("one two three four five")[:after]), False, [])
    assert bill(provider) == ("failed", PROMPT, after)


@pytest.mark.parametrize("after", range(6))
async def test_who_leaves_at_any_token_is_billed_what_was_written(client, provider, after):
    heard = Heard()
    script = WORDS | {"fault": "stall", "after_tokens": after}
    await leave_when(client, lambda: heard.status and len(tokens_of(heard.text)) == after, heard, "echo", script)
    await meanwhile(lambda: bill(provider) == ("disconnected", PROMPT, after))


async def test_a_shorter_answer_ends_well(client, provider):
    heard = await client.ask("echo", WORDS | {"fault": "cut", "after_tokens": 6})
    assert (heard.finish, heard.done) == (["stop"], True)
    heard = await client.ask("echo", WORDS | {"fault": "cut", "after_tokens": 2}, max_tokens=2)
    assert (heard.finish, heard.done) == (["length"], True)


REFUSALS = [
    ({"status": 503}, 503, "overloaded", None),
    ({"status": 418}, 418, "invalid_request_error", None),
    ({"status": 507}, 507, "server_error", None),
    ({"status": 429, "retry_after_seconds": 2.5}, 429, "rate_limit_exceeded", "2.5"),
    ({"fault": "rate_limited"}, 429, "rate_limit_exceeded", "1"),
    ({"fault": "rate_limited", "retry_after_seconds": 0}, 429, "rate_limit_exceeded", "0"),
    ({"fault": "content_filter", "status": 403}, 403, "content_filter", None),
    ({"fault": "refused_key"}, 401, "invalid_api_key", None),
]


@pytest.mark.parametrize(("script", "status", "code", "after"), REFUSALS)
async def test_a_refusal_as_scripted(client, provider, script, status, code, after):
    heard = await client.ask("story", script)
    assert (heard.status, json.loads(heard.raw)["error"]["code"]) == (status, code)
    assert heard.headers.get("Retry-After") == after
    assert bill(provider) == ("refused", 0, 0)


@pytest.mark.parametrize("fault", [fault for fault, note in FAULTS.items() if note.moment == "within"])
async def test_every_fault_in_mid_stream_can_be_scripted(client, provider, fault):
    heard = Heard()
    script = WORDS | {"fault": fault, "after_tokens": 3}
    if fault in (Fault.STALL, Fault.REPEATED_CHUNKS):
        await leave_when(client, lambda: len(heard.events) > 3, heard, "story", script)
        await meanwhile(lambda: bill(provider)[0] == "disconnected")
    else:
        heard = await client.ask("story", script)
    assert heard.text.startswith("one two three")
    assert bill(provider)[1] == PROMPT
    assert bill(provider)[2] == 3 or fault is Fault.REPEATED_CHUNKS


async def test_finish_reason_and_usage_and_prefill_as_scripted(client):
    wanted = {"stream_options": {"include_usage": True}}
    heard = await client.ask("echo", WORDS | {"finish_reason": "tool_calls", "usage": False}, **wanted)
    assert (heard.finish, [c for c in heard.chunks if "usage" in c]) == (["tool_calls"], [])
    begun = [USER, {"role": "assistant", "content": "one two"}]
    heard = await client.ask("echo", WORDS, messages=begun)
    assert heard.text == " three four five"
    heard = await client.ask("echo", WORDS | {"prefill": "repeat"}, messages=begun)
    assert heard.text == "one two three four five"
    assert (await client.ask("echo", WORDS | {"prefill": "refuse"}, messages=begun)).status == 400


async def test_a_script_in_the_header_counts_its_calls(client):
    script = WORDS | {"fault": "unavailable", "times": 2}
    assert [(await client.ask("echo", script)).status for _ in range(3)] == [503, 503, 200]
    assert (await client.ask("story", script)).status == 503
    assert (await client.ask("error-500-once", FAST | {"times": 0})).status == 200
    assert (await client.ask("error-500-once", FAST | {"fault": "none"})).status == 200


async def test_a_registered_script_is_a_model_with_a_count_of_its_own(client):
    script = WORDS | {"fault": "rate_limited", "times": 1}
    assert await put(client, "busy-once", script) == (201, {"id": "busy-once", "object": "model"})
    assert (await put(client, "busy-too", script))[0] == 201
    assert [(await client.ask("busy-once")).status for _ in range(3)] == [429, 200, 200]
    assert (await client.ask("busy-too")).status == 429
    assert (await put(client, "busy-once", script))[0] == 200
    assert (await client.ask("busy-once")).status == 429
    _, listed = await client.send("GET", "/v1/models")
    assert [m["id"] for m in listed["data"][-2:]] == ["busy-too", "busy-once"]
    assert '"times":1' in listed["data"][-1]["description"]
    assert await client.send("DELETE", "/v1/scripts/busy-once") == (204, None)
    assert (await client.send("DELETE", "/v1/scripts/busy-once"))[0] == 404
    assert (await client.ask("busy-once")).status == 404


async def test_a_wrong_script_takes_no_model_away(client):
    await put(client, "mine", WORDS)
    assert (await put(client, "mine", {"fault": "cut", "status": 503}))[0] == 400
    assert (await client.ask("mine")).done


@pytest.mark.parametrize("name", ["story", ".hidden", "a%20b", "x" * 101])
async def test_names_that_cannot_be_had(client, name):
    status, answer = await put(client, name, WORDS)
    assert (status, answer["error"]["code"]) == (409, "name_refused")


async def test_a_wrong_script_is_refused_with_the_field_and_costs_nothing(client, provider):
    heard = await client.ask("echo", {"fault": "explode"})
    error = json.loads(heard.raw)["error"]
    assert (heard.status, error["code"], error["param"]) == (400, "invalid_script", "fault")
    assert "stall" in error["message"]
    status, answer = await put(client, "mine", {"text": 5})
    assert (status, answer["error"]["param"]) == (400, "text")
    assert provider.meter.calls == []


async def test_a_call_is_told_by_its_id_and_by_the_callers(client):
    await client.ask("echo", WORDS | {"fault": "length", "after_tokens": 2}, request_id="mine-1")
    expected = {
        "id": "call-0",
        "model": "echo",
        "tokens_prompt": PROMPT,
        "tokens_completion": 2,
        "native_tokens_prompt": PROMPT,
        "native_tokens_completion": 2,
        "finish_reason": "length",
        "state": "completed",
    }
    for name in ("call-0", "mine-1"):
        assert await client.send("GET", f"/v1/generation?id={name}") == (200, {"data": expected})


@pytest.mark.parametrize("query", ["", "?id=", "?id=nobody"])
async def test_an_unknown_call_is_not_told(client, query):
    await client.ask("instant")
    status, answer = await client.send("GET", f"/v1/generation{query}")
    assert (status, answer["error"]["code"]) == (404, "unknown")


async def test_a_call_is_told_when_it_has_ended_also_where_the_client_left(client, provider):
    heard = Heard()
    slow = WORDS | {"token_seconds": 3600}
    listening = asyncio.create_task(client.ask("echo", slow, heard=heard, request_id="mine-1"))
    await meanwhile(lambda: len(heard.events) == 2)
    status, answer = await client.send("GET", "/v1/generation?id=mine-1")
    assert (status, answer["error"]["code"]) == (404, "running")
    listening.cancel()
    await meanwhile(lambda: bill(provider)[0] == "disconnected")
    status, answer = await client.send("GET", "/v1/generation?id=mine-1")
    assert (status, answer["data"]["tokens_completion"], answer["data"]["state"]) == (200, 1, "disconnected")
    assert answer["data"]["finish_reason"] is None


async def test_usage_so_far_is_in_every_chunk_where_asked(client):
    options = {"include_usage": True, "continuous_usage_stats": True}
    heard = await client.ask("echo", WORDS, stream_options=options)
    assert [chunk["usage"]["completion_tokens"] for chunk in heard.chunks] == [0, 1, 2, 3, 4, 5, 5, 5]
    assert {chunk["usage"]["prompt_tokens"] for chunk in heard.chunks} == {PROMPT}
    heard = await client.ask("echo", WORDS | {"fault": "cut", "after_tokens": 3}, stream_options=options)
    assert heard.chunks[-1]["usage"]["completion_tokens"] == 3
