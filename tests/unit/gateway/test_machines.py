"""Machines by their keys: what is theirs alone, what is no key, and the end of a key."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from gateway import frames
from gateway.connection import CLOSE_TOKEN, Connection
from gateway.edge import Edge
from gateway.frames import SUBPROTOCOL, ErrorFrame
from gateway.watch import LOOK_SECONDS, Watch
from sluice.api_keys import new_key
from sluice.audit import Mark
from sluice.errors import Refused, Unavailable
from sluice.tokens import issue, verify
from tests.doubles import NOON
from tests.samples import SAMPLES, TURN_ID
from tests.unit.gateway.doubles import PSEUDONYM, SEND, SIGNING, bearer, say
from tests.unit.gateway.keys import FRAMES, HELLO, code_of, made, person

STRANGERS = [
    ("GET", f"/v1/turns/{TURN_ID}"),
    ("GET", f"/v1/turns/{TURN_ID}/events"),
    ("POST", f"/v1/turns/{TURN_ID}/stop"),
    ("POST", f"/v1/turns/{TURN_ID}/feedback"),
    ("GET", "/v1/sessions/s-1/turns"),
]


def test_a_machine_talks_and_reads_as_people_do(client: TestClient, edge: Edge):
    headers, key = made(edge, "chat", "read")
    sent = client.post("/v1/sessions/s-1/messages", json=HELLO, headers=headers)
    assert sent.status_code == 202
    turn = client.get(f"/v1/turns/{sent.json()['turn_id']}", headers=headers).json()
    assert turn["session_id"] == "s-1"
    assert [s["session_id"] for s in client.get("/v1/sessions", headers=headers).json()["sessions"]] == ["s-1"]
    found = edge.access.api_keys.find(key.key_id)
    assert found is not None
    assert found.used_on == NOON.date()
    edge.turns.history.record([msgspec.structs.replace(SAMPLES["TurnFinished"], user_id=person(key).user_id)])
    events = client.get(f"/v1/turns/{TURN_ID}/events", headers=headers).text
    assert "event: completed" in events


@pytest.mark.parametrize("who", ["another key", "a person"])
def test_nobody_sees_what_a_key_has(client: TestClient, edge: Edge, who: str):
    _, key = made(edge, "chat", "read")
    edge.turns.history.record([msgspec.structs.replace(SAMPLES["ChatRequested"], user_id=person(key).user_id)])
    stranger = bearer(edge) if who == "a person" else made(edge, "chat", "read")[0]
    for method, path in STRANGERS:
        body = {"json": {"rating": "up"}} if method == "POST" else {}
        answer = client.request(method, path, headers=stranger, **body)
        unknown = client.request(
            method, path.replace(TURN_ID, "f" * 36).replace("s-1", "s-0"), headers=stranger, **body
        )
        assert (answer.status_code, answer.json()) == (404, unknown.json()), path
        assert answer.json()["code"] == "not_found"
    assert client.get("/v1/sessions", headers=stranger).json()["sessions"] == []


@pytest.mark.parametrize("frame", [frames.TurnStop, frames.SessionResume, frames.Feedback])
async def test_nobody_sees_it_on_a_socket_either(edge: Edge, frame: type):
    _, key = made(edge, "chat", "read")
    edge.turns.history.record([msgspec.structs.replace(SAMPLES["ChatRequested"], user_id=person(key).user_id)])
    token = issue("jane", SIGNING, NOON, 3600)
    for stranger in (person(made(edge, "chat", "read")[1]), verify(token, SIGNING, PSEUDONYM, NOON)):
        answers = []
        for ids in ({}, {"turn_id": "f" * 36, "session_id": "s-0"}):
            asked = FRAMES[frame] | {name: value for name, value in ids.items() if name in FRAMES[frame]}
            (answer,) = await say(edge.connect(stranger), **asked)
            assert isinstance(answer, ErrorFrame)
            answers.append((answer.code, answer.message, answer.retryable))
        assert answers[0] == answers[1]
        assert answers[0][0] == "not_found"
    assert edge.turns.log.producer.records == []  # type: ignore[attr-defined]
    assert edge.bridge.wanted == []  # type: ignore[attr-defined]


BAD = {
    "short": lambda text: text[:-1],
    "long": lambda text: text + "0",
    "another secret": lambda text: text[:-64] + "0" * 64,
    "another id": lambda text: text.replace(text[4:20], "0" * 16),
    "only the prefix": lambda _text: "slk_",
    "100 kB": lambda text: text + "0" * 100_000,
    "not hex": lambda text: text[:-1] + "é",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_key_is_refused_marked_and_not_repeated(
    client: TestClient, edge: Edge, marks: list[Mark], name: str
):
    headers, key = made(edge, "chat", "read")
    text = BAD[name](headers["Authorization"].removeprefix("Bearer "))
    answer = client.get("/v1/sessions", headers={"Authorization": f"Bearer {text}".encode("latin-1")})  # type: ignore[dict-item]
    assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")
    assert answer.json()["detail"] == "A valid bearer token is needed."
    subject = person(key).user_id if name == "another secret" else None
    assert marks == [Mark("unknown", "api_keys.refuse", "refused", "unauthenticated", subject)]


@pytest.mark.parametrize(("how", "code"), [("revoked", "key_revoked"), ("expired", "token_expired")])
def test_a_key_that_has_ended_opens_nothing(client: TestClient, edge: Edge, marks: list[Mark], how: str, code: str):
    headers, key = made(edge, "chat", "read", days=1)
    ticket = client.post("/v1/tickets", headers=headers).json()["ticket"]
    assert client.get("/v1/sessions", headers=headers).status_code == 200
    if how == "revoked":
        edge.access.api_keys.revoke(key.key_id, NOON)
    else:
        edge.turns.clock.advance(days=1)  # type: ignore[attr-defined]
        ticket = edge.access.tickets.issue(person(key))
    rest = client.get("/v1/sessions", headers=headers)
    assert (rest.status_code, code_of(rest), rest.headers["www-authenticate"]) == (401, code, "Bearer")
    openai = client.get("/openai/v1/models", headers=headers)
    assert (openai.status_code, code_of(openai)) == (401, "invalid_api_key")
    for protocols, sent in (([SUBPROTOCOL], headers), ([SUBPROTOCOL, f"ticket.{ticket}"], {})):
        opening = client.websocket_connect("/v1/ws", subprotocols=protocols, headers=sent)
        with pytest.raises(WebSocketDenialResponse) as denied, opening:
            pass
        assert (denied.value.status_code, denied.value.json()["code"]) == (401, code)
    assert marks == [Mark(person(key).user_id, "api_keys.refuse", "refused", code)] * 4


def test_a_key_that_is_forgotten_ends_its_tickets(client: TestClient, edge: Edge):
    headers, _ = made(edge, "chat")
    ticket = client.post("/v1/tickets", headers=headers).json()["ticket"]
    edge.access.api_keys._keys.clear()  # type: ignore[attr-defined]
    opening = client.websocket_connect("/v1/ws", subprotocols=[SUBPROTOCOL, f"ticket.{ticket}"])
    with pytest.raises(WebSocketDenialResponse) as denied, opening:
        pass
    assert denied.value.json()["code"] == "key_revoked"


def test_a_ticket_of_a_key_is_good_for_no_more_than_the_key(client: TestClient, edge: Edge):
    headers, key = made(edge, "read", bots=["assistant"])
    ticket = client.post("/v1/tickets", headers=headers).json()["ticket"]
    with client.websocket_connect("/v1/ws", subprotocols=[SUBPROTOCOL, f"ticket.{ticket}"]) as socket:
        ready = socket.receive_json()
        assert (ready["user_id"], [bot["name"] for bot in ready["bots"]]) == (person(key).user_id, ["assistant"])
        socket.send_json(SEND)
        assert socket.receive_json()["code"] == "scope_required"


def test_an_officers_key_erases_and_leaves_the_mark_of_people(client: TestClient, edge: Edge, marks: list[Mark]):
    headers, key = made(edge, "privacy_officer")
    whom = "usr_" + "0" * 32
    assert client.post(f"/v1/people/{whom}/erasure", headers=headers).status_code == 202
    assert marks == [Mark(person(key).user_id, "data.erase", "allowed", "requested", whom)]


async def test_a_frame_of_a_key_that_was_revoked_is_refused_and_ends_the_connection(edge: Edge, marks: list[Mark]):
    _, key = made(edge, "chat", "read")
    connection = edge.connect(person(key))
    await say(connection, **SEND)
    edge.access.api_keys.revoke(key.key_id, NOON)
    (answer,) = await say(connection, **SEND | {"client_msg_id": "m-2"})
    assert isinstance(answer, ErrorFrame)
    assert (answer.code, connection.protocol.close_code) == ("key_revoked", CLOSE_TOKEN)
    assert marks == [Mark(person(key).user_id, "api_keys.refuse", "refused", "key_revoked")]


class Away:
    """A store of keys that does not answer."""

    def __getattr__(self, _name: str) -> Any:
        raise Unavailable("The store of API keys does not answer (disk I/O error).")


async def test_a_store_that_is_away_is_told_and_ends_no_connection(client: TestClient, edge: Edge):
    headers, key = made(edge, "chat", "read")
    connection = edge.connect(person(key))
    edge.access.machines.keys = Away()  # type: ignore[assignment]
    answer = client.get("/v1/sessions", headers=headers)
    assert (answer.status_code, code_of(answer), answer.json()["retryable"]) == (503, "identity_unavailable", True)
    assert "disk" not in answer.text
    (refusal,) = await say(connection, **SEND)
    assert isinstance(refusal, ErrorFrame)
    assert (refusal.code, connection.protocol.close_code) == ("identity_unavailable", None)
    assert client.get("/v1/sessions", headers=bearer(edge)).status_code == 200


def test_a_use_that_cannot_be_noted_is_no_refusal(client: TestClient, edge: Edge, monkeypatch: pytest.MonkeyPatch):
    headers, key = made(edge, "read")
    tries: list[str] = []

    def locked(key_id: str, _day: object) -> None:
        tries.append(key_id)
        raise Unavailable("locked")

    monkeypatch.setattr(edge.access.machines.keys, "note_use", locked)
    for _ in range(3):
        assert client.get("/v1/sessions", headers=headers).status_code == 200
    assert tries == [key.key_id]


@dataclass
class Timers:
    """The event loop's, as far as a watch has it; `pass_` lets the pending one happen."""

    pending: list[tuple[float, Callable[[float], None], float]] = field(default_factory=list)

    def call_later(self, seconds: float, call: Callable[[float], None], argument: float) -> "Timers":
        self.pending.append((seconds, call, argument))
        return self

    def cancel(self) -> None:
        self.pending.pop()

    def pass_(self) -> float:
        seconds, call, argument = self.pending.pop()
        call(argument)
        return seconds


def watched(connection: Connection, left_seconds: float) -> tuple[Watch, Timers]:
    timers = Timers()
    watch = Watch(connection, left_seconds, timers.call_later)
    watch.start()
    return watch, timers


async def told(connection: Connection) -> tuple[str, int | None]:
    (frame,) = await connection.outbox.take()
    assert isinstance(frame, ErrorFrame)
    return frame.code, connection.protocol.close_code


async def test_a_silent_connection_ends_when_its_key_is_revoked(edge: Edge):
    _, key = made(edge, "read")
    connection = edge.connect(person(key))
    _, timers = watched(connection, 1e6)
    assert timers.pass_() == LOOK_SECONDS <= 3
    edge.access.machines.keys = Away()  # type: ignore[assignment]
    timers.pass_()
    edge.access.machines.keys = edge.access.api_keys
    timers.pass_()
    assert connection.protocol.close_code is None
    edge.access.api_keys.revoke(key.key_id, NOON)
    timers.pass_()
    assert (await told(connection), timers.pending) == (("key_revoked", CLOSE_TOKEN), [])


async def test_a_silent_connection_ends_with_its_key(edge: Edge):
    connection = edge.connect(person(made(edge, "read")[1]))
    _, timers = watched(connection, 3)
    assert [timers.pass_(), timers.pass_()] == [LOOK_SECONDS, 3 - LOOK_SECONDS]
    assert (await told(connection), timers.pending) == (("token_expired", CLOSE_TOKEN), [])


@pytest.mark.parametrize(("left_seconds", "pause"), [(60.0, 60.0), (1e9, 86_400.0)])
async def test_a_persons_token_is_looked_at_once(edge: Edge, jane: Connection, left_seconds: float, pause: float):
    _, timers = watched(jane, left_seconds)
    assert timers.pass_() == pause
    assert (await told(jane), timers.pending) == (("token_expired", CLOSE_TOKEN), [])


async def test_a_connection_that_has_left_is_not_watched(edge: Edge):
    watch, timers = watched(edge.connect(person(made(edge, "read")[1])), 1e6)
    watch.stop()
    assert timers.pending == []
    Watch(watch.connection, 1.0, timers.call_later).stop()


def test_no_key_is_in_what_the_gateway_logs_or_says(
    client: TestClient,
    edge: Edge,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    caplog.set_level(logging.DEBUG)
    headers, key = made(edge, "read")
    text = headers["Authorization"].removeprefix("Bearer ")

    def broken(*_: object) -> None:
        raise IndexError(text)

    said = client.get("/v1/sessions", headers=headers).text + client.get("/openai/v1/x", headers=headers).text
    said += client.post("/v1/sessions/s/messages", json=HELLO, headers=headers).text
    monkeypatch.setattr(type(edge.turns.history), "sessions", broken)
    answer = client.get("/v1/sessions", headers=headers)
    assert answer.status_code == 500
    out = capfd.readouterr()
    assert "request failed" in out.out
    for place in (said, answer.text, caplog.text, out.out, out.err, repr(key), repr(person(key))):
        assert text[-64:] not in place


def test_a_machine_is_refused_by_a_gateway_without_keys(edge: Edge):
    text, _ = new_key("a machine", ["chat"], None, NOON, 1)
    with pytest.raises(Refused, match="unauthenticated"):
        edge.access.machines.verify(text)
