"""The OpenAPI 3.1 document, from the same shapes the handlers use."""

from functools import cache
from typing import Any

import msgspec

from gateway.frames import OPENED_BY, Latency, UsageShown
from gateway.openai_errors import OpenaiError
from gateway.openai_objects import ChatCompletion, ChatCompletionChunk, Model, ModelList
from gateway.openai_request import ChatBody
from gateway.problems import MEDIA_TYPE
from gateway.rest import FeedbackBody, MessageBody
from sluice.errors import ErrorCode
from sluice.tokens import Scope


class TurnError(msgspec.Struct):
    """Why a turn failed."""

    code: str
    message: str
    retryable: bool


class Turn(msgspec.Struct):
    """A turn with its question and answer, redacted."""

    turn_id: str
    session_id: str
    bot: str
    state: str
    created_at: str
    question: str | None
    answer: str | None
    model: str | None
    attempts: int
    usage: UsageShown | None
    cost_usd: str | None
    latency_ms: Latency | None
    finish_reason: str | None
    error: TurnError | None


class Session(msgspec.Struct):
    """A conversation."""

    session_id: str
    title: str | None
    bot: str
    updated_at: str
    turns: int


class Sessions(msgspec.Struct):
    """A page of conversations, newest first."""

    sessions: list[Session]
    next: str | None


class TurnPage(msgspec.Struct):
    """A page of turns, oldest first."""

    turns: list[Turn]
    next: str | None


class AcceptedMessage(msgspec.Struct):
    """The message is on the log."""

    turn_id: str
    session_id: str
    events: str


class Ticket(msgspec.Struct):
    """For one WebSocket handshake."""

    ticket: str
    expires_in: int


class Token(msgspec.Struct):
    """A development token."""

    token: str
    expires_in: int


class Erasure(msgspec.Struct):
    """How far the erasure of a person is: running or completed."""

    user_id: str
    state: str
    erased_until: str | None


class RequestedErasure(msgspec.Struct):
    """The request is on the log."""

    request_id: str
    user_id: str
    state: str


class Status(msgspec.Struct):
    """One word."""

    status: str


class Problem(msgspec.Struct):
    """RFC 9457 problem details with a code of the catalogue."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool


_OPENAI = (ChatBody, ChatCompletion, ChatCompletionChunk, Model, ModelList, OpenaiError)
_SHAPES = (
    *(AcceptedMessage, Sessions, TurnPage, Turn, Ticket, Token, Erasure, RequestedErasure, Status),
    *(Problem, MessageBody, FeedbackBody),
    *_OPENAI,
)
_ID = {"in": "path", "required": True, "schema": {"type": "string"}}
_SESSION, _TURN = {"name": "session_id", **_ID}, {"name": "turn_id", **_ID}
_PAGING = [
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}},
    {"name": "cursor", "in": "query", "schema": {"type": "string"}, "description": "`next` of the page before."},
]


BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token of a person, or an API key of a machine (slk_...), which needs the scope that is named.",
}


@cache
def openapi_document() -> dict[str, Any]:
    """Built once; a test holds it against the routes."""
    _, components = msgspec.json.schema_components(_SHAPES, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sluice gateway",
            "version": "1",
            "description": "Chat over an event log. Error codes: "
            + ", ".join(sorted(code.value for code in ErrorCode)),
        },
        "paths": {
            "/v1/sessions": {"get": _operation("Own conversations", Sessions, "read", parameters=_PAGING)},
            "/v1/sessions/{session_id}/messages": {
                "post": _operation(
                    "Send a message",
                    AcceptedMessage,
                    "chat",
                    status="202",
                    body=MessageBody,
                    parameters=[_SESSION, {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}],
                    refusals=("404", "409", "413", "422", "429"),
                )
            },
            "/v1/sessions/{session_id}/turns": {
                "get": _operation(
                    "Turns of a conversation", TurnPage, "read", parameters=[_SESSION, *_PAGING], refusals=("404",)
                )
            },
            "/v1/turns/{turn_id}": {"get": _operation("One turn", Turn, "read", parameters=[_TURN], refusals=("404",))},
            "/v1/turns/{turn_id}/events": {
                "get": _operation(
                    "Follow a turn; resumable with Last-Event-ID",
                    None,
                    "read",
                    media="text/event-stream",
                    parameters=[_TURN, {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}}],
                    refusals=("404",),
                )
            },
            "/v1/turns/{turn_id}/stop": {
                "post": _operation(
                    "Stop a turn", None, "chat", status="202", parameters=[_TURN], refusals=("404", "409")
                )
            },
            "/v1/turns/{turn_id}/feedback": {
                "post": _operation(
                    "Judge an answer",
                    None,
                    "chat",
                    status="202",
                    body=FeedbackBody,
                    parameters=[_TURN],
                    refusals=("404", "413", "422"),
                )
            },
            "/openai/v1/chat/completions": {
                "post": _operation(
                    "OpenAI's chat completions; `model` is a bot. With `stream`, events of ChatCompletionChunk",
                    ChatCompletion,
                    "chat",
                    body=ChatBody,
                    parameters=[
                        {"name": name, "in": "header", "schema": {"type": "string"}}
                        for name in ("Idempotency-Key", "X-Session-Id")
                    ],
                    refusals=("404", "408", "409", "413", "429", "500", "502", "504"),
                    refused_as=OpenaiError,
                    streamed=ChatCompletionChunk,
                )
            },
            "/openai/v1/models": {
                "get": _operation("Bots, as OpenAI's models", ModelList, "read", refused_as=OpenaiError)
            },
            "/openai/v1/models/{model}": {
                "get": _operation(
                    "One bot",
                    Model,
                    "read",
                    parameters=[{"name": "model", **_ID}],
                    refusals=("404",),
                    refused_as=OpenaiError,
                )
            },
            "/v1/people/{user_id}/erasure": {
                "post": _operation(
                    "Erase a person; needs the role privacy_officer",
                    RequestedErasure,
                    "privacy_officer",
                    status="202",
                    parameters=[{"name": "user_id", **_ID}],
                    refusals=("503",),
                ),
                "get": _operation(
                    "How far it is",
                    Erasure,
                    "privacy_officer",
                    parameters=[{"name": "user_id", **_ID}],
                    refusals=("404",),
                ),
            },
            "/v1/tickets": {"post": _operation("Ticket for a browser's socket", Ticket, *OPENED_BY)},
            "/v1/dev/token": {"post": _operation("Token for the page on loopback", Token, refusals=("403", "404"))},
            "/healthz": {"get": _operation("Alive", Status)},
            "/readyz": {"get": _operation("Fit for traffic", Status, refusals=("503",))},
        },
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": BEARER},
        },
    }


def _operation(
    summary: str,
    answer: type[msgspec.Struct] | None,
    *needs: Scope,
    status: str = "200",
    media: str = "application/json",
    body: type[msgspec.Struct] | None = None,
    parameters: list[dict[str, Any]] | None = None,
    refusals: tuple[str, ...] = (),
    refused_as: type[msgspec.Struct] = Problem,
    streamed: type[msgspec.Struct] | None = None,
) -> dict[str, Any]:
    content = {media: {"schema": _ref(answer) if answer else {"type": "string"}}}
    done: dict[str, Any] = {"description": "Done"}
    if answer is not None or media != "application/json":
        done["content"] = content
    if streamed is not None:
        content["text/event-stream"] = {"schema": _ref(streamed)}
    problems = MEDIA_TYPE if refused_as is Problem else "application/json"
    refused = {"description": "Refused", "content": {problems: {"schema": _ref(refused_as)}}}
    every = ("400", "401", "403", "503") if needs else ()
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {status: done} | dict.fromkeys((*every, *refusals), refused),
    }
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    operation["security"] = [{"bearer": [scope]} for scope in needs]
    return operation


def _ref(shape: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}
