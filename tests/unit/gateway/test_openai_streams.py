"""What happens to an OpenAI client in mid-stream: errors, other attempts, and its own going."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import APIError, AsyncOpenAI

from gateway import openai_turn, sse
from gateway.app import make_app
from gateway.edge import Edge
from sluice import events as e
from tests.unit.gateway.answering import FAILED, HI, PATH, STREAM, AnsweringLog, Script, data_of, hello, written
from tests.unit.gateway.doubles import bearer, make_edge


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    made = make_edge(tmp_path, coalesce_ms=0)
    made.turns.log.producer = made.turns.log.posting.producer = AnsweringLog(edge=made)
    return made


@pytest.fixture
def log(edge: Edge) -> AnsweringLog:
    producer = edge.turns.log.producer
    assert isinstance(producer, AnsweringLog)
    return producer


async def serve(
    edge: Edge, body: dict[str, Any], on_chunk: Callable[[int], bool], headers: dict[str, str] | None = None
) -> list[bytes]:
    """All that goes out; the client hangs up where `on_chunk`, told how many chunks there were, says so."""
    sent: list[bytes] = []
    gone = asyncio.Event()
    inbox = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    def look() -> None:
        if on_chunk(len(sent)):
            gone.set()

    async def receive() -> Any:
        if inbox:
            return inbox.pop()
        look()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message.get("body"):
            sent.append(message["body"])
            look()

    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "headers": [(n.lower().encode(), v.encode()) for n, v in (bearer(edge) | (headers or {})).items()],
        "query_string": b"",
        "asgi": {"spec_version": "2.3"},
    }
    async with asyncio.timeout(10):
        await make_app(edge, lambda: None)(scope, receive, send)
    assert edge.bridge.wanted == []  # type: ignore[attr-defined]
    assert edge.hub._listeners == {}
    return sent


def once(log: AnsweringLog, script: Script) -> Callable[[int], bool]:
    """Say this when the first word is on its way."""
    left = [script]

    def on_chunk(chunks: int) -> bool:
        if chunks and left:
            log.say(left.pop())
        return False

    return on_chunk


@pytest.mark.parametrize(("end", "code"), [(FAILED, "model_unavailable"), (("TurnCancelled", {}), "turn_cancelled")])
async def test_an_end_in_mid_stream_is_an_error_and_no_end_mark(edge: Edge, log: AnsweringLog, end, code):
    log.script = hello()[:2]
    chunks = await serve(edge, STREAM, once(log, [end]))
    *_, text, error = data_of(b"".join(chunks).decode())
    assert text["choices"][0]["delta"] == {"content": "Hel"}
    assert error["error"]["code"] == code
    assert written(log, e.StopRequested) == []


@pytest.mark.parametrize(("headers", "stops"), [({}, 1), ({"Idempotency-Key": "k"}, 0)])
async def test_another_beginning_in_mid_stream_is_an_error(edge: Edge, log: AnsweringLog, headers, stops):
    """Who can ask again by the same key finds the turn answered; else nobody would read the rest."""
    log.script = hello()[:2]
    anew = {"attempt": 2, "attempt_id": "a-2"}
    script: Script = [("AttemptStarted", anew), ("DeltaProduced", anew | {"text": "Good day"})]
    chunks = await serve(edge, STREAM, once(log, script), headers)
    *_, text, error = data_of(b"".join(chunks).decode())
    assert text["choices"][0]["delta"] == {"content": "Hel"}
    assert error["error"]["code"] == "model_stream_broken"
    assert len(written(log, e.StopRequested)) == stops


async def test_a_continuation_in_mid_stream_is_not_noticed(edge: Edge, log: AnsweringLog):
    log.script = hello()[:2]
    on = {"attempt": 2, "attempt_id": "a-2"}
    script: Script = [
        ("AttemptStarted", on | {"continues": "a-1"}),
        ("DeltaProduced", on | {"text": "Hello"}),
        ("TurnCompleted", on),
    ]
    chunks = data_of(b"".join(await serve(edge, STREAM, once(log, script))).decode())
    assert chunks.pop() == "[DONE]"
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == "Hello"


@pytest.mark.parametrize(("stop", "stops"), [(True, 1), (False, 0)])
@pytest.mark.parametrize(("body", "first"), [(STREAM, 1), (STREAM, 0), (HI, 0)])
async def test_a_client_that_hangs_up_stops_its_turn_by_default(tmp_path: Path, stop, stops, body, first):
    edge = make_edge(tmp_path, coalesce_ms=0, openai_stop_on_hangup=stop)
    log = AnsweringLog(edge=edge, script=hello()[: 2 * first])
    edge.turns.log.producer = log
    await serve(edge, body, lambda chunks: chunks >= first)
    assert [event.turn_id for event in written(log, e.StopRequested)] == [log.asked[0].turn_id] * stops
    edge.turns.history.close()


async def test_the_stop_of_who_hangs_up_waits_for_no_history(
    edge: Edge, log: AnsweringLog, monkeypatch: pytest.MonkeyPatch
):
    async def silent() -> None:
        raise TimeoutError

    monkeypatch.setattr(edge.turns.reading, "catch_up", silent)
    monkeypatch.setattr(edge.turns.history, "turn", lambda _turn_id: None)
    log.script = hello()[:2]
    await serve(edge, STREAM, lambda chunks: chunks >= 1)
    assert len(written(log, e.StopRequested)) == 1


async def test_a_bug_while_it_answers_stops_the_turn_too(edge: Edge, log: AnsweringLog):
    def on_chunk(chunks: int) -> bool:
        if chunks:
            raise ZeroDivisionError
        return False

    log.script = hello()[:2]
    with pytest.raises(ZeroDivisionError):
        await serve(edge, STREAM, on_chunk)
    assert len(written(log, e.StopRequested)) == 1


async def test_who_hangs_up_when_all_is_said_stops_nothing(edge: Edge, log: AnsweringLog):
    log.script = hello()
    await serve(edge, STREAM, lambda _chunks: any(reply.terminal for reply in edge.hub.replies.values()))
    assert written(log, e.StopRequested) == []


async def test_a_turn_that_cannot_be_stopped_goes_on_to_its_end(edge: Edge, log: AnsweringLog):
    log.script = []

    def on_chunk(_chunks: int) -> bool:
        log.away = True
        return True

    assert await serve(edge, HI, on_chunk) == []
    assert written(log, e.StopRequested) == []


async def test_a_stream_that_waits_beats_after_its_first_word_only(
    edge: Edge, log: AnsweringLog, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sse, "_HEARTBEAT_SECONDS", 0.01)
    log.script = []
    real = sse.turn_frames

    async def counted(*arguments: Any) -> AsyncIterator[Any]:
        beats = 0
        async for frame in real(*arguments):
            beats += frame is None
            if beats == 3:
                log.say(hello()[:2])
            yield frame

    monkeypatch.setattr(openai_turn, "turn_frames", counted)
    chunks = await serve(edge, STREAM, lambda chunks: chunks == 3)
    assert chunks[1:] == [b": still here\n\n"] * 2


async def test_a_reader_that_is_too_slow_is_told_so_and_stops_the_turn(edge: Edge, log: AnsweringLog):
    log.script = hello()[:2]
    flood: Script = [("DeltaProduced", {"text": "x" * 2_000_000, "seq": 1})]
    chunks = await serve(edge, STREAM, once(log, flood))
    assert data_of(chunks[-1].decode())[0]["error"]["code"] == "slow_reader"
    assert len(written(log, e.StopRequested)) == 1


async def test_openais_sdk_raises_on_an_error_in_mid_stream(edge: Edge, log: AnsweringLog):
    log.script = [*hello()[:2], FAILED]
    transport = httpx.ASGITransport(make_app(edge, lambda: None))
    async with (
        httpx.AsyncClient(transport=transport) as http,
        AsyncOpenAI(
            base_url="http://test/openai/v1",
            api_key=bearer(edge)["Authorization"].split()[1],
            http_client=http,
        ) as client,
    ):
        stream = await client.chat.completions.create(**STREAM)
        words = [anext(stream), anext(stream)]
        told = [(await word).choices[0].delta.content for word in words]
        with pytest.raises(APIError) as broken:
            await anext(stream)
    assert (told, broken.value.code, broken.value.message) == (["", "Hel"], "model_unavailable", "gone")
