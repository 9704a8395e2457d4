"""The OpenAI-compatible endpoint over ASGI, without Kafka."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import make_app
from gateway.edge import Edge
from sluice import events as e
from sluice.own_context import SEALED_AS, OwnMessage, read_own_context
from sluice.safe_text import SafeText
from tests.samples import TRACE
from tests.unit.gateway.answering import HI, JANE, PATH, STREAM, AnsweringLog, data_of, written
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


@pytest.fixture
def client(edge: Edge):
    with TestClient(make_app(edge, lambda: None), raise_server_exceptions=False) as opened:
        opened.headers.update(bearer(edge))
        yield opened
    assert edge.bridge.wanted == []  # type: ignore[attr-defined]
    assert edge.hub._listeners == {}


def test_the_answer_in_one_piece(client: TestClient, log: AnsweringLog):
    answer = client.post(PATH, json=HI)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    body, turn_id = answer.json(), log.asked[0].turn_id
    assert (body["id"], answer.headers["x-request-id"]) == (f"chatcmpl-{turn_id}", turn_id)
    assert body["choices"][0]["message"]["content"] == "Hello"
    assert body["model"] == "assistant"


def test_the_answer_as_a_stream(client: TestClient):
    answer = client.post(PATH, json=STREAM | {"stream_options": {"include_usage": True}})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    *chunks, usage, done = data_of(answer.text)
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == "Hello"
    assert (usage["choices"], usage["usage"]["total_tokens"], done) == ([], 15, "[DONE]")


def test_what_goes_on_the_log_is_sealed_and_marked(client: TestClient, edge: Edge, log: AnsweringLog):
    messages = [{"role": "system", "content": "I am a@b.com"}, *HI["messages"]]
    client.post(PATH, json=HI | {"messages": messages, "stop": "a@b.com", "seed": 7}, headers={"traceparent": TRACE})
    (asked,) = written(log, e.ChatRequested)
    assert (asked.channel, asked.sampling) == ("openai", e.Sampling(seed=7, stop=()))
    assert asked.traceparent.split("-")[1] == TRACE.split("-")[1]
    own = read_own_context(edge.turns.sealer.open(asked.context, subject=JANE, field=SEALED_AS))
    assert (own.messages, own.stop) == ((OwnMessage("system", "I am a@b.com"),), ("a@b.com",))
    assert b"a@b.com" not in b"".join(value for _, _, value, _ in log.records)
    assert [event.turn_id for event in written(log, e.TurnTimed)] == [asked.turn_id]


def test_each_request_is_a_session_of_its_own_that_is_no_conversation(client: TestClient, log: AnsweringLog):
    for headers in ({}, {}, {"X-Session-Id": "work"}, {"X-Session-Id": "work"}, {"X-Session-Id": "play"}):
        assert client.post(PATH, json=HI, headers=headers).status_code == 200
    sessions = [asked.session_id for asked in log.asked]
    assert sessions[2] == sessions[3]
    assert len(set(sessions)) == 4
    assert client.get("/v1/sessions").json()["sessions"] == []
    assert client.get(f"/v1/turns/{log.asked[0].turn_id}").status_code == 200
    client.post("/v1/sessions/s-1/messages", json={"text": "hi", "bot": "assistant"})
    assert [session["session_id"] for session in client.get("/v1/sessions").json()["sessions"]] == ["s-1"]


def test_the_same_key_is_the_same_turn(client: TestClient, edge: Edge, log: AnsweringLog):
    key = {"Idempotency-Key": "k-1"}
    first, again = (client.post(PATH, json=HI, headers=key).json() for _ in range(2))
    assert (first["id"], first["choices"]) == (again["id"], again["choices"])
    assert len(log.asked) == 1
    assert data_of(client.post(PATH, json=STREAM, headers=key).text)[-1] == "[DONE]"
    edge.hub.replies.clear()
    finished = log._of_the_turn("TurnFinished", {"answer": SafeText("of long ago")})
    edge.turns.reading.behind = lambda: edge.turns.history.record([finished])  # type: ignore[attr-defined]
    late = client.post(PATH, json=HI, headers=key).json()
    assert late["choices"][0]["message"]["content"] == "of long ago"
    other = client.post(PATH, json=HI, headers=key | bearer(edge, "john")).json()
    assert other["id"] != first["id"]


REFUSED: list[tuple[dict[str, Any], dict[str, str], int, str, str | None]] = [
    ({"content": b"{"}, {}, 400, "invalid_json", None),
    ({"json": HI | {"n": 2}}, {}, 400, "unsupported_parameter", "n"),
    ({"json": HI | {"top_p": 2}}, {}, 400, "invalid_value", "top_p"),
    ({"json": HI | {"model": "nobody"}}, {}, 404, "model_not_found", "model"),
    ({"json": HI | {"messages": [{"role": "user", "content": " "}]}}, {}, 400, "text_empty", "messages[0].content"),
    ({"json": HI | {"messages": [{"role": "user", "content": "x" * 300_000}]}}, {}, 413, "messages_too_large", None),
    ({"content": b"x" * 1_000_001}, {}, 413, "messages_too_large", None),
    ({"json": HI}, {"Authorization": ""}, 401, "invalid_api_key", None),
    ({"json": HI}, {"Authorization": "Bearer nonsense"}, 401, "invalid_api_key", None),
    ({"json": HI}, {"Idempotency-Key": "no spaces"}, 400, "invalid_value", None),
    ({"json": HI}, {"X-Session-Id": "no spaces"}, 400, "invalid_value", None),
]


@pytest.mark.parametrize(("request_", "headers", "status", "code", "parameter"), REFUSED)
def test_a_refusal_has_openais_shape(client, log, request_, headers, status, code, parameter):
    answer = client.post(PATH, headers=headers, **request_)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (status, code, "invalid_request_error")
    assert error["param"] == parameter or (parameter is None and code == "messages_too_large")
    assert error["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert log.records == []


@pytest.mark.parametrize("body", [HI, STREAM])
@pytest.mark.parametrize(
    ("code", "status", "name", "retryable"),
    [
        ("model_unavailable", 503, "model_unavailable", True),
        ("model_timeout", 504, "model_timeout", True),
        ("model_refused_key", 502, "model_refused_key", False),
        ("redaction_failed", 500, "redaction_failed", True),
        ("model_context_too_long", 400, "context_length_exceeded", False),
        ("model_content_filtered", 400, "content_filter", False),
        ("messages_too_large", 413, "messages_too_large", False),
    ],
)
def test_a_turn_that_fails_before_its_first_word_is_a_status(client, log, body, code, status, name, retryable):
    log.script = [("AttemptStarted", {}), ("TurnFailed", {"code": code, "message": "as it was said"})]
    answer = client.post(PATH, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"]) == (status, name, "as it was said")
    assert error["type"] == ("server_error" if status >= 500 else "invalid_request_error")
    assert ("retry-after" in answer.headers, "x-should-retry" in answer.headers) == (retryable, not retryable)
    assert answer.headers["x-request-id"] == log.asked[0].turn_id


def test_too_many_turns_of_one_session(client: TestClient, edge: Edge, log: AnsweringLog):
    edge.turns.session_turns = 0
    answer = client.post(PATH, json=HI)
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate_limit_error")
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize("part", ["bridge", "producer"])
def test_without_the_log_it_says_when_to_come_back(client: TestClient, edge: Edge, part: str):
    (edge.bridge if part == "bridge" else edge.turns.log.producer).away = True  # type: ignore[union-attr]
    answer = client.post(PATH, json=HI)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "log_unavailable")
    assert answer.headers["retry-after"] == "2"


def test_a_turn_that_was_stopped_is_no_answer(client: TestClient, log: AnsweringLog):
    log.script = [("AttemptStarted", {}), ("DeltaProduced", {"text": "Hel"}), ("TurnCancelled", {})]
    answer = client.post(PATH, json=HI)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "turn_cancelled")


def test_models_are_bots(client: TestClient, edge: Edge):
    models = client.get("/openai/v1/models").json()
    assert models["object"] == "list"
    assert [model["id"] for model in models["data"]] == [*edge.turns.bots.by_name]
    assert client.get("/openai/v1/models/assistant").json() == models["data"][0]
    missing = client.get("/openai/v1/models/nobody")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")
    assert client.get("/openai/v1/models", headers={"Authorization": ""}).status_code == 401


@pytest.mark.parametrize(("method", "status"), [("POST", 404), ("GET", 404), ("OPTIONS", 405)])
def test_other_paths_are_refused_in_the_same_shape(client: TestClient, method: str, status: int):
    answer = client.request(method, "/openai/v1/embeddings")
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, "invalid_request_error")


def test_a_bug_is_an_answer_without_words(client: TestClient, edge: Edge, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(type(edge.turns), "accept", broken)
    answer = client.post(PATH, json=HI)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "index" not in answer.text
