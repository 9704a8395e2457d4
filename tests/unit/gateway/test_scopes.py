"""What opens what: every route, every frame and every bot says which scope of a machine's key it needs."""

from typing import get_args

import msgspec
import pytest
from starlette.routing import Route
from starlette.testclient import TestClient, WebSocketDenialResponse

from gateway import frames
from gateway.app import ROUTES
from gateway.asyncapi import asyncapi_document
from gateway.edge import Edge
from gateway.frames import NEEDS, OPENED_BY, SUBPROTOCOL, ErrorFrame, Ready
from gateway.guarded import Guarded
from gateway.openapi import openapi_document
from sluice.audit import Mark
from sluice.tokens import SCOPES, Scope
from tests.samples import SAMPLES, TURN_ID
from tests.unit.gateway.doubles import SEND, bearer, say
from tests.unit.gateway.keys import FRAMES, HELLO, code_of, made, person

OPEN_TO_ALL = {
    ("POST", "/v1/dev/token"),
    ("GET", "/openai/{path:path}"),
    *((method, "/openai/{path:path}") for method in ("POST", "PUT", "PATCH", "DELETE")),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("GET", "/asyncapi.json"),
    ("GET", "/"),
    ("GET", "/{path:path}"),
}
"""Nothing of anybody is behind these."""
ROLES_OF_PEOPLE = set(SCOPES) - {"chat", "read"}
GUARDED = [(next(iter(route.methods - {"HEAD"})), route) for route in ROUTES if isinstance(route, Guarded)]


def path_of(route: Route) -> str:
    return route.path_format.format(session_id="s-1", turn_id=TURN_ID, user_id="usr_" + "0" * 32, model="assistant")


def refused(client: TestClient, method: str, path: str, headers: dict[str, str]) -> str | None:
    """The code of what keeps who asks from the handler."""
    answer = client.request(method, path, headers=headers, **({"json": {}} if method == "POST" else {}))
    if answer.status_code not in (401, 403):
        return None
    assert answer.headers["content-type"].startswith("application/")
    return code_of(answer)


def test_every_route_says_who_may_use_it():
    http = {(m, r.path) for r in ROUTES if isinstance(r, Route) for m in (r.methods or ()) if m != "HEAD"}
    guarded = {(method, route.path) for method, route in GUARDED}
    assert http - guarded == OPEN_TO_ALL
    assert all(route.needs and set(route.needs) <= set(SCOPES) for _, route in GUARDED)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(("method", "route"), GUARDED, ids=[f"{m} {r.path}" for m, r in GUARDED])
def test_a_key_opens_what_its_scope_is_for_and_nothing_else(
    client: TestClient, edge: Edge, marks: list[Mark], method: str, route: Guarded, scope: Scope
):
    headers, key = made(edge, scope)
    code = refused(client, method, path_of(route), headers)
    assert code == (None if scope in route.needs else "scope_required")
    mark = Mark(person(key).user_id, "api_keys.refuse", "refused", "scope_required")
    assert marks.count(mark) == (scope not in route.needs)


@pytest.mark.parametrize(("method", "route"), GUARDED, ids=[f"{m} {r.path}" for m, r in GUARDED])
def test_without_a_token_nothing_is_opened_and_without_its_role_nobody_opens_what_needs_one(
    client: TestClient, edge: Edge, method: str, route: Guarded
):
    assert refused(client, method, path_of(route), {}) in ("unauthenticated", "invalid_api_key")
    for_officers = not ROLES_OF_PEOPLE.isdisjoint(route.needs)
    assert refused(client, method, path_of(route), bearer(edge)) == ("role_required" if for_officers else None)


def test_the_documents_say_what_is_needed():
    paths = openapi_document()["paths"]
    for method, route in GUARDED:
        said = paths[route.path][method.lower()]
        assert said["security"] == [{"bearer": [scope]} for scope in route.needs], route.path
        assert {"400", "401", "403", "503"} <= said["responses"].keys()
    for method, path in OPEN_TO_ALL & {(m.upper(), p) for p, item in paths.items() for m in item}:
        assert paths[path][method.lower()]["security"] == []
    messages = asyncapi_document()["components"]["messages"]
    said = {name: message["x-scope"] for name, message in messages.items() if "x-scope" in message}
    assert said == {frame.__name__: scope for frame, scope in NEEDS.items()}


def test_every_frame_says_what_it_needs():
    assert set(NEEDS) == set(FRAMES) == set(get_args(frames.ClientFrame))
    assert set(OPENED_BY) == {"chat", "read"}


@pytest.mark.parametrize("scope", OPENED_BY)
@pytest.mark.parametrize("frame", FRAMES)
async def test_a_key_sends_what_its_scope_is_for_and_nothing_else(
    edge: Edge, marks: list[Mark], frame: type, scope: Scope
):
    _, key = made(edge, scope)
    own = {"user_id": person(key).user_id}
    edge.turns.history.record([msgspec.structs.replace(SAMPLES["ChatRequested"], **own)])
    (answer, *_) = await say(edge.connect(person(key)), **FRAMES[frame]) or [None]
    if scope == NEEDS[frame]:
        assert not isinstance(answer, ErrorFrame)
        assert marks == []
    else:
        assert isinstance(answer, ErrorFrame)
        expected = FRAMES[frame].get("client_msg_id") or FRAMES[frame].get("turn_id") or "s-1"
        assert (answer.code, answer.ref) == ("scope_required", expected)
        assert marks == [Mark(own["user_id"], "api_keys.refuse", "refused", "scope_required")]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_socket_is_opened_by_chat_or_read(client: TestClient, edge: Edge, scope: Scope):
    headers, key = made(edge, scope)
    opening = client.websocket_connect("/v1/ws", subprotocols=[SUBPROTOCOL], headers=headers)
    if scope in OPENED_BY:
        with opening as socket:
            assert socket.receive_json()["user_id"] == person(key).user_id
    else:
        with pytest.raises(WebSocketDenialResponse) as denied, opening:
            pass
        assert (denied.value.status_code, denied.value.json()["code"]) == (403, "scope_required")


def test_a_key_for_one_bot_asks_and_sees_no_other(client: TestClient, edge: Edge, marks: list[Mark]):
    first, second = list(edge.turns.bots.by_name)[:2]
    headers, key = made(edge, "chat", "read", bots=[first])
    for bot, code in ((first, None), (second, "scope_required"), ("nobody", "scope_required")):
        sent = client.post("/v1/sessions/s-1/messages", json=HELLO | {"bot": bot}, headers=headers)
        assert (sent.status_code, code and sent.json()["code"]) == (202 if code is None else 403, code)
        shown = client.get(f"/openai/v1/models/{bot}", headers=headers)
        assert (shown.status_code, code and code_of(shown)) == (200 if code is None else 403, code)
    asked = {"model": second, "messages": [{"role": "user", "content": "hello"}]}
    answer = client.post("/openai/v1/chat/completions", json=asked, headers=headers)
    assert (answer.status_code, code_of(answer)) == (403, "scope_required")
    assert [m["id"] for m in client.get("/openai/v1/models", headers=headers).json()["data"]] == [first]
    assert set(marks) == {Mark(person(key).user_id, "api_keys.refuse", "refused", "scope_required")}
    assert len(marks) == 5


async def test_a_key_for_one_bot_on_a_socket(edge: Edge):
    first, second = list(edge.turns.bots.by_name)[:2]
    connection = edge.connect(person(made(edge, "chat", bots=[first])[1]))
    connection.greet()
    (ready,) = await connection.outbox.take()
    assert isinstance(ready, Ready)
    assert [card.name for card in ready.bots] == [first]
    (answer,) = await say(connection, **SEND | {"bot": second})
    assert isinstance(answer, ErrorFrame)
    assert (answer.code, answer.ref) == ("scope_required", SEND["client_msg_id"])
    assert edge.bridge.wanted == []  # type: ignore[attr-defined]
