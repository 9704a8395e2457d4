"""REST, pages and the socket's loop over ASGI, without Kafka and without a port."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from gateway import __main__ as composition
from gateway import pages
from gateway.app import make_app
from gateway.edge import Edge
from gateway.frames import SUBPROTOCOL
from sluice import events as e
from sluice.ids import pseudonym
from sluice.safe_text import SafeText
from tests.doubles import NOON
from tests.samples import SAMPLES, TRACE, TURN_ID
from tests.unit.gateway.doubles import CODEC, PSEUDONYM, bearer, make_edge

JANE = pseudonym("jane", PSEUDONYM)
MESSAGES = "/v1/sessions/s-1/messages"
HELLO = {"text": "hello", "bot": "assistant"}


def own(name: str, **over: Any) -> Any:
    """A sample, as if Jane had asked."""
    return msgspec.structs.replace(SAMPLES[name], user_id=JANE, **over)


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    return make_edge(tmp_path)


@pytest.fixture
def client(edge: Edge):
    begun: list[str] = []
    with TestClient(make_app(edge, lambda: begun.append("started")), raise_server_exceptions=False) as opened:
        assert begun == ["started"]
        opened.headers.update(bearer(edge))
        yield opened
    assert edge.bridge.stopped  # type: ignore[attr-defined]


def records(edge: Edge) -> list[Any]:
    return [CODEC.decode(value) for _, _, value, _ in edge.turns.log.producer.records]  # type: ignore[attr-defined]


def test_a_message_is_accepted_with_the_way_to_its_events(client: TestClient, edge: Edge):
    answer = client.post(MESSAGES, json=HELLO, headers={"Idempotency-Key": "k-1", "traceparent": TRACE})
    assert answer.status_code == 202
    body = answer.json()
    assert answer.headers["location"] == body["events"] == f"/v1/turns/{body['turn_id']}/events"
    request = records(edge)[0]
    assert (request.user_id, request.client_msg_id) == (JANE, request.turn_id)  # what clients call it stays with them
    assert request.traceparent.split("-")[1] == TRACE.split("-")[1]
    again = client.post(MESSAGES, json=HELLO, headers={"Idempotency-Key": "k-1"})
    assert again.json() == body
    assert client.post(MESSAGES, json=HELLO).json()["turn_id"] != body["turn_id"]


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"json": {"text": " ", "bot": "assistant"}}, 422, "text_empty"),
        ({"json": {"text": "x" * 8001, "bot": "assistant"}}, 422, "text_too_long"),
        ({"json": {"text": "\x1b", "bot": "assistant"}}, 422, "text_control_characters"),
        ({"json": {"text": "x", "bot": "nobody"}}, 422, "bot_unknown"),
        ({"json": {"text": "x"}}, 400, "invalid_frame"),
        ({"content": b"{"}, 400, "invalid_json"),
        ({"content": b"\xff"}, 400, "invalid_json"),
        ({"content": b"[" * 60_000}, 400, "invalid_frame"),
        ({"content": b"x" * 70_000}, 413, "frame_too_large"),
        ({"json": HELLO, "headers": {"Idempotency-Key": "no spaces"}}, 400, "invalid_frame"),
    ],
)
def test_what_is_wrong_with_a_message_is_a_problem_with_its_code(
    client: TestClient, edge: Edge, request_, status, code
):
    answer = client.post(MESSAGES, **request_)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert edge.metrics.registry.get_sample_value("sluice_refusals_total", {"code": code}) == 1
    assert edge.turns.history.owner("s-1") is None


def test_a_log_that_is_away_says_when_to_come_back(client: TestClient, edge: Edge):
    edge.turns.log.producer.away = True  # type: ignore[attr-defined]
    answer = client.post(MESSAGES, json=HELLO)
    assert (answer.status_code, answer.json()["retryable"], answer.headers["retry-after"]) == (503, True, "2")


def test_without_a_token_there_is_a_challenge(client: TestClient):
    answer = client.get("/v1/sessions", headers={"Authorization": ""})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_sessions_and_turns_are_paged_and_ones_own(client: TestClient, edge: Edge):
    for number in range(5):
        at = NOON.replace(minute=number)
        head = {"session_id": f"s-{number}", "turn_id": f"t-{number}", "occurred_at": at}
        edge.turns.history.record([own("ChatRequested", **head)])
    edge.turns.history.record([msgspec.structs.replace(SAMPLES["ChatRequested"], session_id="s-x", turn_id="t-x")])
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/v1/sessions", params={"limit": 2, "cursor": cursor}).json()
        seen += [session["session_id"] for session in page["sessions"]]
        cursor = page["next"]
    assert seen == ["s-4", "s-3", "s-2", "s-1", "s-0"]
    for number in range(5, 8):
        edge.turns.history.record([own("ChatRequested", turn_id=f"t-{number}", session_id="s-0")])
    first = client.get("/v1/sessions/s-0/turns", params={"limit": 3}).json()
    rest = client.get("/v1/sessions/s-0/turns", params={"limit": 3, "cursor": first["next"]}).json()
    assert [turn["turn_id"] for turn in first["turns"] + rest["turns"]] == ["t-0", "t-5", "t-6", "t-7"]
    assert rest["next"] is None
    assert client.get("/v1/sessions/s-x/turns").json()["code"] == "not_found"


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "201"}, {"limit": "x"}, {"limit": ""}, {"cursor": "x"}])
def test_a_page_that_cannot_be_is_refused(client: TestClient, query):
    assert client.get("/v1/sessions", params=query).json()["code"] == "invalid_frame"


def test_ids_that_cannot_be_are_refused(client: TestClient):
    assert client.get("/v1/sessions/a%20b/turns").json()["code"] == "invalid_frame"
    assert client.get("/v1/turns/x").json()["code"] == "not_found"
    assert client.get(f"/v1/turns/{TURN_ID}").json()["code"] == "not_found"


def test_a_turn_is_shown_stopped_and_judged(client: TestClient, edge: Edge):
    edge.turns.history.record([own("ChatRequested")])
    assert client.get(f"/v1/turns/{TURN_ID}").json()["state"] == "accepted"
    assert client.post(f"/v1/turns/{TURN_ID}/stop").status_code == 202
    assert client.post(f"/v1/turns/{TURN_ID}/feedback", json={"rating": "up"}).status_code == 202
    refused = client.post(f"/v1/turns/{TURN_ID}/feedback", json={"rating": "up", "comment": "\x00"})
    assert refused.json()["code"] == "text_control_characters"
    assert client.post(f"/v1/turns/{TURN_ID}/feedback", json={"rating": "maybe"}).status_code == 400
    assert [type(event).__name__ for event in records(edge)] == ["StopRequested", "FeedbackGiven"]
    edge.turns.history.record([own("TurnFinished")])
    assert client.post(f"/v1/turns/{TURN_ID}/stop").json()["code"] == "turn_finished"


def test_health_readiness_and_documents(client: TestClient, edge: Edge):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
    edge.bridge.healthy = False  # type: ignore[misc]
    assert client.get("/readyz").status_code == 503
    assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
    assert client.get("/asyncapi.json").json()["asyncapi"] == "3.0.0"


def test_a_development_token_is_for_the_page_on_loopback(client: TestClient):
    # Starlette's test client calls itself "testclient", which is not loopback.
    refused = client.post("/v1/dev/token", headers={"Host": "127.0.0.1:8080"})
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_refused")


def test_a_development_token_opens_the_door(edge: Edge):
    with TestClient(make_app(edge, lambda: None), "http://localhost:8080", client=("127.0.0.1", 1)) as local:
        given = local.post("/v1/dev/token").json()
        assert given["expires_in"] == edge.settings.token_seconds
        assert local.get("/v1/sessions", headers={"Authorization": f"Bearer {given['token']}"}).status_code == 200


def test_paths_and_methods_that_are_not(client: TestClient):
    assert client.delete("/v1/sessions").json()["code"] == "method_not_allowed"
    assert client.post("/nowhere").json()["code"] == "method_not_allowed"


def test_a_bug_is_an_answer_without_words(client: TestClient, edge: Edge, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(type(edge.turns.history), "sessions", broken)
    answer = client.get("/v1/sessions")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "index" not in answer.text


def test_the_page_is_served_with_its_policy(client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pages, "WEB", tmp_path / "dist")
    assert client.get("/").status_code == 503
    (tmp_path / "dist" / "assets").mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<title>hi</title>")
    (tmp_path / "dist" / "assets" / "a.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    page = client.get("/")
    assert (page.text, page.headers["cache-control"]) == ("<title>hi</title>", "no-cache")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "immutable" in client.get("/assets/a.js").headers["cache-control"]
    for path in ("/nothing.js", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets"):
        answer = client.get(path)
        assert (answer.status_code, "secret" in answer.text) == (404, False), path


@pytest.mark.parametrize("path", ["/%00", "/" + "a" * 300])
def test_a_name_that_no_file_can_have_is_not_found(client: TestClient, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("headers", [{"Origin": "http://["}, {"Host": "["}])
def test_a_malformed_origin_or_host_is_refused(edge: Edge, headers):
    with TestClient(
        make_app(edge, lambda: None), "http://localhost", raise_server_exceptions=False, client=("127.0.0.1", 1)
    ) as local:
        assert local.post("/v1/dev/token", headers=headers).json()["code"] == "origin_refused"


def test_the_events_of_a_turn_come_as_a_stream_with_cursors(client: TestClient, edge: Edge):
    edge.turns.history.record([own("ChatRequested")])
    for name in ("AttemptStarted", "DeltaProduced", "TurnCompleted"):
        edge.hub.take(own(name))
    answer = client.get(f"/v1/turns/{TURN_ID}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    kinds = [line for line in answer.text.splitlines() if line.startswith(("id:", "event:"))]
    assert kinds == ["event: started", f"id: {TURN_ID}:1:0", "event: snapshot", "event: completed"]
    resumed = client.get(f"/v1/turns/{TURN_ID}/events", headers={"Last-Event-ID": f"{TURN_ID}:1:0"})
    assert [line for line in resumed.text.splitlines() if line.startswith("event:")] == ["event: completed"]
    assert edge.bridge.wanted == []  # type: ignore[attr-defined]


def test_the_events_of_a_turn_of_long_ago_come_from_the_history(client: TestClient, edge: Edge):
    edge.turns.history.record([own("TurnFinished")])
    text = client.get(f"/v1/turns/{TURN_ID}/events").text
    assert [line for line in text.splitlines() if line.startswith("event:")] == ["event: snapshot", "event: completed"]
    assert '"text":"Hello again"' in text


def test_events_cannot_begin_at_nonsense_or_without_the_log(client: TestClient, edge: Edge):
    edge.turns.history.record([own("ChatRequested")])
    for cursor in ("x", "a:b:c"):
        refused = client.get(f"/v1/turns/{TURN_ID}/events", headers={"Last-Event-ID": cursor})
        assert refused.json()["code"] == "invalid_frame"
    edge.bridge.away = True  # type: ignore[attr-defined]
    assert client.get(f"/v1/turns/{TURN_ID}/events").json()["code"] == "log_unavailable"
    assert edge.bridge.wanted == []  # type: ignore[attr-defined]


def socket(client: TestClient, protocols: list[str] | None = None, **headers: str):
    return client.websocket_connect("/v1/ws", subprotocols=protocols or [SUBPROTOCOL], headers=headers)


def test_a_conversation_over_the_socket(client: TestClient, edge: Edge):
    with socket(client) as ws:
        assert ws.accepted_subprotocol == SUBPROTOCOL
        assert ws.receive_json()["type"] == "ready"
        ws.send_json({"type": "message.send", "client_msg_id": "m", "session_id": "s-1", **HELLO})
        turn_id = ws.receive_json()["turn_id"]
        assert client.portal is not None
        for name in ("AttemptStarted", "DeltaProduced", "TurnCompleted"):
            client.portal.call(edge.hub.take, own(name, turn_id=turn_id))
        assert [ws.receive_json()["type"] for _ in range(3)] == ["started", "delta", "completed"]
        ws.send_bytes(b"\x00")
        assert ws.receive_json()["code"] == "binary_frame"
        assert edge.metrics.gauge("sluice_sockets")._value.get() == 1
    assert edge.metrics.gauge("sluice_sockets")._value.get() == 0
    timed = [event for event in records(edge) if isinstance(event, e.TurnTimed)]
    assert [event.turn_id for event in timed] == [turn_id]


def test_a_browser_comes_with_a_ticket(client: TestClient):
    ticket = client.post("/v1/tickets").json()
    assert ticket["expires_in"] == 30
    with socket(client, [SUBPROTOCOL, f"ticket.{ticket['ticket']}"], authorization="") as ws:
        assert ws.accepted_subprotocol == SUBPROTOCOL
        assert ws.receive_json()["user_id"] == JANE


@pytest.mark.parametrize(
    ("protocols", "headers", "status"),
    [
        (["other"], {}, 400),
        ([SUBPROTOCOL], {"authorization": ""}, 401),
        ([SUBPROTOCOL, "ticket.stolen"], {}, 401),
        ([SUBPROTOCOL], {"origin": "https://evil.example"}, 403),
    ],
)
def test_a_handshake_is_refused_with_a_problem(client: TestClient, protocols, headers, status):
    with pytest.raises(WebSocketDenialResponse) as denied, socket(client, protocols, **headers):
        pass
    assert denied.value.status_code == status
    assert denied.value.json()["status"] == status


def test_a_slow_reader_is_cut_off_with_its_code(client: TestClient, edge: Edge):
    with socket(client) as ws:
        ws.receive_json()
        ws.send_json({"type": "message.send", "client_msg_id": "m", "session_id": "s-1", **HELLO})
        turn_id = ws.receive_json()["turn_id"]
        assert client.portal is not None
        client.portal.call(edge.hub.take, own("AttemptStarted", turn_id=turn_id))
        assert ws.receive_json()["type"] == "started"
        client.portal.call(
            edge.hub.take, own("DeltaProduced", turn_id=turn_id, text=SafeText("x" * edge.settings.socket_buffer_bytes))
        )
        client.portal.call(edge.hub.take, own("DeltaProduced", turn_id=turn_id, seq=1, text=SafeText("x")))
        first = ws.receive()
        while first["type"] != "websocket.close":
            client.portal.call(
                edge.hub.take,
                own(
                    "DeltaProduced", turn_id=turn_id, seq=2, text=SafeText("x" * 2 * edge.settings.socket_buffer_bytes)
                ),
            )
            first = ws.receive()
        assert first["code"] == 4408


def test_fifty_bad_frames_close_the_socket(client: TestClient):
    with socket(client) as ws:
        ws.receive_json()
        for _ in range(50):
            ws.send_text("{")
        assert {ws.receive_json()["code"] for _ in range(50)} == {"invalid_json"}
        with pytest.raises(WebSocketDisconnect) as closed:
            ws.receive_json()
        assert closed.value.code == 4400


@pytest.mark.parametrize("cut", ['{"type":"turn.stop","turn_id":5', '{"type":"nope", oops', "[1"])
def test_wrong_and_cut_json_is_a_refusal_and_not_the_end(client: TestClient, cut):
    with socket(client) as ws:
        ws.receive_json()
        ws.send_text(cut)
        assert ws.receive_json()["code"] == "invalid_json"


def test_what_clients_cause_is_not_logged_as_an_error():
    import logging

    def line(text: str) -> logging.LogRecord:
        return logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, text, None, None)

    assert not composition.not_caused_by_clients(line("ASGI callable returned without completing handshake."))
    assert composition.not_caused_by_clients(line("Exception in ASGI application"))
