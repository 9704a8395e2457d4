"""OpenAI's own SDK and LangChain, unmodified, at the real gateway: to them it is OpenAI."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import openai
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from local.provider.answers import story, tokens_of
from sluice.cli.chat import development_token
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import consumer_config, producer_config
from sluice.partitioning import partition_for
from tests.e2e.conftest import Platform
from tests.e2e.test_privacy import files_of
from tests.waiting import until

SLUICE: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is a sluice?"}]

SUMS = ("calls", "prompt_tokens", "completion_tokens", "estimated_calls")


def base_url(platform: Platform) -> str:
    return f"{platform.settings.gateway_url}/openai/v1"


@pytest.fixture
def client(platform: Platform) -> Iterator[OpenAI]:
    with OpenAI(base_url=base_url(platform), api_key=development_token(platform.settings), max_retries=0) as opened:
        yield opened


@pytest.fixture
async def async_client(platform: Platform) -> AsyncIterator[AsyncOpenAI]:
    key = development_token(platform.settings)
    async with AsyncOpenAI(base_url=base_url(platform), api_key=key, max_retries=0) as opened:
        yield opened


def meter_of(platform: Platform) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = httpx.get(platform.settings.provider_url.replace("/v1", "/meter")).json()["calls"]
    return calls


def story_by_meter(platform: Platform) -> Counter[str]:
    """What the provider has written, by its own account."""
    sums: Counter[str] = Counter()
    for call in meter_of(platform):
        if call["model"] == "story":
            sums.update(calls=1, prompt_tokens=call["prompt_tokens"], completion_tokens=call["completion_tokens"])
    return sums


def story_by_ledger(platform: Platform) -> Counter[str]:
    """The same, by `sluice usage`."""
    listed = json.loads(platform.run("usage", "--by", "model", "--json").stdout)["usage"]
    sums: Counter[str] = Counter()
    for row in listed:
        if row["model"] == "openai/story":
            sums.update(
                {name: row[name] for name in ("calls", "prompt_tokens", "completion_tokens", "estimated_calls")}
            )
    return sums


def way_of(platform: Platform, completion_id: str) -> Any:
    """The turn as REST has it."""
    turn_id = completion_id.removeprefix("chatcmpl-")
    headers = {"Authorization": f"Bearer {development_token(platform.settings)}"}
    return httpx.get(f"{platform.settings.gateway_url}/v1/turns/{turn_id}", headers=headers).json()


def test_an_answer_in_one_piece(platform: Platform, client: OpenAI):
    before = len(meter_of(platform))
    done = client.chat.completions.create(model="assistant", messages=SLUICE, temperature=0, user="jane", store=True)
    assert done.choices[0].message.role == "assistant"
    assert "> What is a sluice?" in (done.choices[0].message.content or "")
    assert (done.object, done.model, done.choices[0].finish_reason) == ("chat.completion", "assistant", "stop")
    call = meter_of(platform)[before]
    assert done.usage is not None
    counted = (call["prompt_tokens"], call["completion_tokens"], call["prompt_tokens"] + call["completion_tokens"])
    assert (done.usage.prompt_tokens, done.usage.completion_tokens, done.usage.total_tokens) == counted
    assert done.id == f"chatcmpl-{done._request_id}"
    assert way_of(platform, done.id)["answer"] == done.choices[0].message.content


def test_a_stream_with_usage(client: OpenAI):
    whole = client.chat.completions.create(model="assistant", messages=SLUICE)
    stream = client.chat.completions.create(
        model="assistant", messages=SLUICE, stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = stream
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks][-2:] == [None, "stop"]
    assert len(chunks) > 2
    assert len({chunk.id for chunk in (*chunks, last)}) == 1
    assert (last.choices, last.usage) == ([], whole.usage)


async def test_the_same_without_waiting(async_client: AsyncOpenAI):
    whole = await async_client.chat.completions.create(model="assistant", messages=SLUICE)
    stream = await async_client.chat.completions.create(model="assistant", messages=SLUICE, stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == whole.choices[0].message.content


def test_the_streaming_helper_of_the_sdk(client: OpenAI):
    with client.chat.completions.stream(model="assistant", messages=SLUICE) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert "> What is a sluice?" in (final.choices[0].message.content or "")


def test_the_clients_own_messages_are_the_context_and_nothing_else_is(platform: Platform, client: OpenAI):
    """The answer goes back as it came, as programs do."""
    session = {"X-Session-Id": "grouped"}
    before = len(meter_of(platform))
    first = client.chat.completions.create(model="assistant", messages=SLUICE, extra_headers=session)
    own: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        *SLUICE,
        first.choices[0].message,
        {"role": "user", "content": [{"type": "text", "text": "And a weir?"}]},
    ]
    client.chat.completions.create(model="assistant", messages=own, extra_headers=session)
    client.chat.completions.create(model="assistant", messages=SLUICE, extra_headers=session)
    calls = meter_of(platform)[before:]
    assert calls[1]["prompt_tokens"] > calls[0]["prompt_tokens"] + calls[0]["completion_tokens"]
    assert calls[2]["prompt_tokens"] == calls[0]["prompt_tokens"]


def test_personal_data_never_reaches_the_model(platform: Platform, client: OpenAI):
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "Write to jim.roe@example.com."},
        {"role": "user", "content": "I am joan.doe@example.com"},
        {"role": "assistant", "content": "Hello, joan.doe@example.com."},
        {"role": "user", "content": "I am joan.doe@example.com, he is jim.roe@example.com"},
    ]
    done = client.chat.completions.create(model="assistant", messages=messages, stop="jim.roe@example.com")
    assert "> I am joan.doe@example.com, he is jim.roe@example.com" in (done.choices[0].message.content or "")
    for path, content in files_of(platform):
        assert not re.search(rb"joan\.doe|jim\.roe", content), path


def test_models_are_bots(client: OpenAI):
    assert {model.id for model in client.models.list()} >= {"assistant", "storyteller"}
    assert client.models.retrieve("assistant").owned_by == "sluice"
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("gpt-none")
    assert missing.value.code == "model_not_found"


def refused(client: OpenAI, **over: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(**({"model": "assistant", "messages": SLUICE} | over))
    return caught.value


def test_a_wrong_key(platform: Platform):
    with OpenAI(base_url=base_url(platform), api_key="sk-wrong") as stranger:
        error = refused(stranger)
    assert isinstance(error, openai.AuthenticationError)
    assert error.code == "invalid_api_key"


def test_an_unknown_model(client: OpenAI):
    error = refused(client, model="gpt-none", stream=True)
    assert isinstance(error, openai.NotFoundError)
    assert (error.code, error.param) == ("model_not_found", "model")


@pytest.mark.parametrize(
    ("over", "parameter"),
    [
        ({"n": 2}, "n"),
        ({"temperature": 3}, "temperature"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].type"),
        ({"extra_body": {"top_k": 5}}, "top_k"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(client: OpenAI, over: dict[str, Any], parameter: str):
    error = refused(client, **over)
    assert isinstance(error, openai.BadRequestError)
    assert (error.param, error.type) == (parameter, "invalid_request_error")


def test_a_list_that_is_too_large(client: OpenAI):
    error = refused(client, messages=[{"role": "user", "content": "x" * 300_000}])
    assert (error.status_code, error.code) == (413, "messages_too_large")


def test_a_long_list_goes_through_the_log(client: OpenAI):
    messages = [{"role": "user", "content": f"{number}: a@b.co " * 20} for number in range(400)]
    done = client.chat.completions.create(model="assistant", messages=[*messages, *SLUICE])  # type: ignore[list-item]
    assert done.choices[0].finish_reason == "stop"


def test_the_same_key_is_the_same_turn(client: OpenAI):
    key = {"Idempotency-Key": "openai-once"}
    first, again = (
        client.chat.completions.create(model="assistant", messages=SLUICE, extra_headers=key) for _ in range(2)
    )
    assert (first.id, first.choices) == (again.id, again.choices)


def test_a_request_that_is_on_the_log_twice_is_answered_once(platform: Platform, client: OpenAI):
    """As two gateways may write it. A turn of the same session is answered after both, so nothing is waited for."""
    headers = {"X-Session-Id": "openai-twice", "Idempotency-Key": "openai-twice"}
    before = len(meter_of(platform))
    done = client.chat.completions.create(model="assistant", messages=SLUICE, extra_headers=headers)
    key = way_of(platform, done.id)["session_id"].encode()
    servers = platform.settings.bootstrap_servers
    admin, place = KafkaAdmin(servers), ("chat-requests", partition_for(key.decode(), 8))
    consumer = Consumer(consumer_config(servers, "test-openai", "test-openai"))
    consumer.assign([TopicPartition(*place, admin.ends({"chat-requests": 8})[place] - 1)])
    record = consumer.poll(20)
    consumer.close()
    assert record is not None
    assert record.key() == key
    producer = Producer(producer_config(servers, "test-openai"))
    producer.produce("chat-requests", record.value(), key)
    assert producer.flush(20) == 0
    del headers["Idempotency-Key"]
    client.chat.completions.create(model="assistant", messages=SLUICE, extra_headers=headers)
    assert len(meter_of(platform)) == before + 2


def test_who_hangs_up_stops_the_turn_and_the_ledger_has_its_row(platform: Platform, client: OpenAI):
    stream = client.chat.completions.create(model="storyteller", messages=SLUICE, stream=True)
    chunk = next(iter(stream))
    stream.close()
    assert until(lambda: way_of(platform, chunk.id)["state"] == "cancelled")
    turn_id = chunk.id.removeprefix("chatcmpl-")

    def rows() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(platform.run("turn", turn_id, "--json").stdout)["attempts"]
        return found

    assert until(lambda: [row["outcome"] for row in rows()] == ["cancelled"])


def test_no_log_line_has_the_prompt_or_the_key(platform: Platform, client: OpenAI):
    """With a model that is down, one that breaks off, one that is not there and one that is asked too much."""
    planted = "heliotrope-5150"
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": f"Why {planted}?"}]
    client.chat.completions.create(model="shaky", messages=asked)
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=planted, messages=asked)
    key = platform.settings.secret("SLUICE_DEV_KEY")
    assert key is not None
    logs = {path.name: content for path, content in files_of(platform) if path.parent == platform.settings.logs_dir}
    assert all(logs[f"{name}.log"] for name in ("gateway", "enrich", "redact", "respond", "provider"))
    for log in logs.values():
        assert planted.encode() not in log
        assert key.get_secret_value().encode() not in log


async def test_who_hangs_up_at_any_token_is_billed_to_the_token(platform: Platform, async_client: AsyncOpenAI):
    async def hang_up_after(chunks: int) -> str:
        """The id. Where all is slow, chunks are so large that the answer may end before."""
        stream = await async_client.chat.completions.create(model="storyteller", messages=SLUICE, stream=True)
        turn = (await anext(stream)).id
        for _ in range(chunks):
            await anext(stream, None)
        await stream.close()
        return turn

    ledger, meter = story_by_ledger(platform), story_by_meter(platform)
    ids = await asyncio.gather(*(hang_up_after(chunks) for chunks in range(24)))

    def states() -> list[str]:
        return [way_of(platform, name)["state"] for name in ids]

    assert until(lambda: set(states()) <= {"cancelled", "completed"})
    assert states()[:12] == ["cancelled"] * 12
    assert until(lambda: story_by_ledger(platform) - ledger == story_by_meter(platform) - meter)
    used = story_by_ledger(platform) - ledger
    assert (used["calls"], used["estimated_calls"]) == (len(ids), 0)
    assert used["completion_tokens"] > sum(range(24))


async def test_who_hangs_up_without_a_stream_stops_the_turn_too(platform: Platform, async_client: AsyncOpenAI):
    calls = len(meter_of(platform))

    async def ask() -> None:
        await async_client.chat.completions.create(
            model="storyteller", messages=SLUICE, extra_headers={"Idempotency-Key": "openai-hung-up"}
        )

    asking = asyncio.create_task(ask())
    assert await asyncio.to_thread(until, lambda: len(meter_of(platform)) > calls)
    asking.cancel()
    await asyncio.wait([asking])
    with pytest.raises(openai.ConflictError) as stopped:
        await ask()
    assert stopped.value.code == "turn_cancelled"


def test_these_turns_are_no_conversations(platform: Platform, client: OpenAI):
    done = client.chat.completions.create(model="assistant", messages=SLUICE)
    session_id = way_of(platform, done.id)["session_id"]
    headers = {"Authorization": f"Bearer {development_token(platform.settings)}"}
    listed = httpx.get(f"{platform.settings.gateway_url}/v1/sessions", headers=headers, params={"limit": 200}).json()
    assert session_id not in {session["session_id"] for session in listed["sessions"]}


@pytest.fixture
def chain(platform: Platform) -> ChatOpenAI:
    return ChatOpenAI(
        model="assistant", base_url=base_url(platform), api_key=lambda: development_token(platform.settings)
    )


def test_langchain_asks_and_streams(chain: ChatOpenAI):
    whole = chain.invoke([("system", "Be brief."), ("human", "What is a sluice?")])
    assert "> What is a sluice?" in str(whole.content)
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["total_tokens"] > 0
    pieces = list(chain.stream([("human", "What is a sluice?")]))
    assert "> What is a sluice?" in "".join(str(piece.content) for piece in pieces)


async def test_langchain_asks_and_streams_without_waiting(chain: ChatOpenAI):
    whole = await chain.ainvoke("What is a sluice?")
    pieces = [piece async for piece in chain.astream("What is a sluice?")]
    assert "".join(str(piece.content) for piece in pieces) == whole.content


def test_a_dead_model_and_one_that_breaks_off_go_unnoticed(platform: Platform, client: OpenAI):
    stream = client.chat.completions.create(model="shaky", messages=SLUICE, stream=True, max_tokens=60)
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert story("").startswith(text)
    assert 20 < len(tokens_of(text)) <= 66, "who goes on may say what is left; counted by a tokenizer, not the provider"
    assert chunks[-1].choices[0].finish_reason == "length"
    turn = way_of(platform, chunks[0].id)
    assert (turn["attempts"], turn["model"], turn["answer"]) == (3, "openai/story", text)
    assert not turn["usage"]["estimated"]
