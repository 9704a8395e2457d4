"""Bad tokens, whatever way they come: each is refused with its code, leaves a mark, and nothing of it is repeated."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from gateway.edge import Edge
from gateway.frames import SUBPROTOCOL
from sluice.audit import Mark
from sluice.ids import pseudonym
from sluice.tokens import AUDIENCE, ISSUER, issue
from tests.doubles import NOON
from tests.samples import TURN_ID
from tests.unit.gateway import test_issuer
from tests.unit.gateway.doubles import PSEUDONYM, SIGNING

CLAIMS = {"sub": "jane", "iss": ISSUER, "aud": AUDIENCE, "exp": NOON + timedelta(hours=1)}
OTHER_KEY = b"o" * 64


def signed(key: bytes | None = SIGNING, algorithm: str = "HS256", **over: Any) -> str:
    return jwt.encode(CLAIMS | over, key, algorithm)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


OWN = {
    "none": signed(None, "none"),
    "none, signed": signed(None, "none") + signed().rpartition(".")[2],
    "another algorithm": signed(algorithm="HS512"),
    "another key": signed(OTHER_KEY),
    "another audience": signed(aud="sluice-ticket"),
    "another issuer": signed(iss="somebody"),
    "a changed claim": ".".join((signed().split(".")[0], encoded('{"sub":"root"}'), signed().split(".")[2])),
    "nonsense": "nonsense",
    "deep": f"{encoded('[' * 5000)}.{encoded('{}')}.x",
    "100 kB": "e" * 100_000,
    "a good one and 100 kB": signed() + "A" * 100_000,
}
EXPIRED = {"own": signed(exp=NOON), "of the provider": test_issuer.token(exp=NOON)}

Ask = Callable[[TestClient, str], tuple[int, str, str]]
"""Status, code and body of the answer to a token."""


def over_http(method: str, path: str) -> Ask:
    def ask(client: TestClient, token: str) -> tuple[int, str, str]:
        answer = client.request(method, path, headers={"Authorization": f"Bearer {token}"})
        body = answer.json()
        assert answer.headers["www-authenticate"] == "Bearer"
        return answer.status_code, body["error"]["code"] if "error" in body else body["code"], answer.text

    return ask


def over_a_socket(offer: Callable[[str], dict[str, Any]]) -> Ask:
    def ask(client: TestClient, token: str) -> tuple[int, str, str]:
        with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/v1/ws", **offer(token)):
            pass
        return denied.value.status_code, denied.value.json()["code"], denied.value.text

    return ask


WAYS: dict[str, Ask] = {
    "REST": over_http("GET", "/v1/sessions"),
    "a message": over_http("POST", "/v1/sessions/s-1/messages"),
    "events": over_http("GET", f"/v1/turns/{TURN_ID}/events"),
    "OpenAI": over_http("POST", "/openai/v1/chat/completions"),
    "erasure": over_http("POST", "/v1/people/usr_" + "0" * 32 + "/erasure"),
    "a ticket": over_http("POST", "/v1/tickets"),
    "a handshake": over_a_socket(
        lambda token: {"subprotocols": [SUBPROTOCOL], "headers": {"Authorization": f"Bearer {token}"}}
    ),
}
AS_TICKET = over_a_socket(lambda token: {"subprotocols": [SUBPROTOCOL, f"ticket.{token}"]})


def tells_nothing(body: str, token: str) -> bool:
    """Neither of the token nor of what is wrong with it."""
    pieces = [piece for piece in (token, *token.split(".")) if len(piece) > 7]
    message = json.loads(body)
    said = message["error"]["message"] if "error" in message else message["detail"]
    known = ("A valid bearer token is needed.", "The token has expired; obtain a new one.")
    return said in known and not any(piece in body for piece in pieces)


def refused_every_way(client: TestClient, marks: list[Mark], token: str, code: str) -> None:
    for way, ask in WAYS.items():
        del marks[:]
        status, told, body = ask(client, token)
        assert (status, told) == (401, "invalid_api_key" if way == "OpenAI" else code), way
        assert tells_nothing(body, token), way
        assert marks == [Mark("unknown", "token.refuse", "refused", code)], way


@pytest.mark.parametrize("name", OWN)
def test_a_bad_token_is_refused_marked_and_not_repeated(client: TestClient, marks: list[Mark], name: str):
    refused_every_way(client, marks, OWN[name], "unauthenticated")


@pytest.mark.parametrize("name", test_issuer.WRONG)
def test_a_bad_token_of_a_provider_too(client: TestClient, edge: Edge, marks: list[Mark], name: str):
    edge.access.issuer, edge.access.dev_tokens = test_issuer.Provider().issuer, False
    refused_every_way(client, marks, test_issuer.WRONG[name], "unauthenticated")


@pytest.mark.parametrize("whose", EXPIRED)
def test_an_expired_one_is_told_so(client: TestClient, edge: Edge, marks: list[Mark], whose: str):
    if whose == "of the provider":
        edge.access.issuer = test_issuer.Provider().issuer
    refused_every_way(client, marks, EXPIRED[whose], "token_expired")


@pytest.mark.parametrize("name", [*OWN, "a good token"])
def test_no_token_is_a_ticket(client: TestClient, marks: list[Mark], name: str):
    token = OWN.get(name) or signed()
    status, code, body = AS_TICKET(client, token)
    assert (status, code) == (401, "unauthenticated")
    assert tells_nothing(body, token)
    assert marks == [Mark("unknown", "token.refuse", "refused", "unauthenticated")]


@pytest.mark.parametrize(
    "name", ["token", "access_token", "authorization", "Authorization", "api_key", "key", "ticket"]
)
def test_a_good_token_in_an_address_opens_nothing(client: TestClient, edge: Edge, marks: list[Mark], name: str):
    token = signed()
    ticket = client.post("/v1/tickets", headers={"Authorization": f"Bearer {token}"}).json()["ticket"]
    for given in (token, f"Bearer {token}", ticket):
        for path in ("/v1/sessions", "/openai/v1/models"):
            assert client.get(path, params={name: given}).status_code == 401
        sent = client.post("/v1/sessions/s-1/messages", params={name: given}, json={"text": "x", "bot": "assistant"})
        assert sent.status_code == 401
        opening = client.websocket_connect(f"/v1/ws?{name}={given}", subprotocols=[SUBPROTOCOL])
        with pytest.raises(WebSocketDenialResponse) as denied, opening:
            pass
        assert denied.value.json()["code"] == "unauthenticated"
    assert client.get("/v1/sessions", headers={"Cookie": f"{name}={token}"}).status_code == 401
    assert set(marks) == {Mark("unknown", "token.refuse", "refused", "unauthenticated")}


@pytest.mark.parametrize("role", ["user", "analyst", "operator", "privacy_officer", "admin", "king"])
def test_roles_of_a_token_are_those_that_exist(client: TestClient, edge: Edge, role: str):
    headers = {"Authorization": f"Bearer {issue('jane', SIGNING, NOON, 60, [role])}"}
    answer = client.post("/v1/people/usr_" + "0" * 32 + "/erasure", headers=headers)
    allowed = role == "privacy_officer"
    assert answer.status_code == (202 if allowed else 403)
    with client.websocket_connect("/v1/ws", subprotocols=[SUBPROTOCOL], headers=headers) as socket:
        assert socket.receive_json()["user_id"] == pseudonym("jane", PSEUDONYM)
