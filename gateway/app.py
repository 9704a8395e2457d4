"""The ASGI application: routes, and the one place where refusals become answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from gateway import openai_endpoint, openai_errors, people, rest
from gateway.asyncapi import asyncapi_document
from gateway.edge import Edge
from gateway.frames import OPENED_BY
from gateway.guarded import Guarded
from gateway.openai_errors import openai_error
from gateway.openapi import openapi_document
from gateway.pages import page
from gateway.problems import problem
from gateway.socket import websocket_endpoint
from gateway.sse import turn_events
from sluice.errors import ErrorCode, Refused
from sluice.logs import fact

_NOT_FOUND, _METHOD = 404, 405


def make_app(edge: Edge, start: Callable[[], None]) -> Starlette:
    """The app; `start` runs on the event loop before the first request."""

    @asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        start()
        yield
        await edge.bridge.stop()
        await edge.producer.stop()
        edge.turns.history.close()

    app = Starlette(
        routes=ROUTES,
        lifespan=life,
        exception_handlers={Refused: _refused, HTTPException: _http, Exception: _broken},
    )
    app.state.edge = edge
    return app


async def _openapi(_request: Request) -> Response:
    return JSONResponse(openapi_document())


async def _asyncapi(_request: Request) -> Response:
    return JSONResponse(asyncapi_document())


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    edge: Edge = request.app.state.edge
    edge.metrics.count("sluice_refusals_total", code=error.code.value)
    return _answer(request, error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {_NOT_FOUND: ErrorCode.NOT_FOUND, _METHOD: ErrorCode.METHOD_NOT_ALLOWED}.get(
        error.status_code, ErrorCode.INVALID_FRAME
    )
    return _answer(request, Refused(code))


async def _broken(request: Request, error: Exception) -> Response:
    edge: Edge = request.app.state.edge
    handler = getattr(request.scope.get("endpoint"), "__name__", "none")  # a path may hold what somebody typed
    edge.log.error("request failed", error=fact(type(error).__name__), handler=fact(handler))
    return _answer(request, Refused(ErrorCode.INTERNAL))


def _answer(request: Request, refused: Refused) -> Response:
    return openai_error(refused) if request.url.path.startswith(openai_errors.PREFIX) else problem(refused)


ROUTES = [
    WebSocketRoute("/v1/ws", websocket_endpoint),
    Guarded("/v1/sessions", rest.list_sessions, "GET", "read"),
    Guarded("/v1/sessions/{session_id}/messages", rest.send_message, "POST", "chat"),
    Guarded("/v1/sessions/{session_id}/turns", rest.list_turns, "GET", "read"),
    Guarded("/v1/turns/{turn_id}", rest.show_turn, "GET", "read"),
    Guarded("/v1/turns/{turn_id}/events", turn_events, "GET", "read"),
    Guarded("/v1/turns/{turn_id}/stop", rest.stop_turn, "POST", "chat"),
    Guarded("/v1/turns/{turn_id}/feedback", rest.judge_turn, "POST", "chat"),
    Guarded("/v1/people/{user_id}/erasure", people.erase_person, "POST", people.ROLE),
    Guarded("/v1/people/{user_id}/erasure", people.show_erasure, "GET", people.ROLE),
    Guarded("/v1/tickets", rest.make_ticket, "POST", *OPENED_BY),
    Route("/v1/dev/token", rest.make_development_token, methods=["POST"]),
    Guarded("/openai/v1/chat/completions", openai_endpoint.chat_completions, "POST", "chat"),
    Guarded("/openai/v1/models", openai_endpoint.list_models, "GET", "read"),
    Guarded("/openai/v1/models/{model}", openai_endpoint.show_model, "GET", "read"),
    Route("/openai/{path:path}", openai_endpoint.nothing_here, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    Route("/healthz", rest.health, methods=["GET"]),
    Route("/readyz", rest.readiness, methods=["GET"]),
    Route("/openapi.json", _openapi, methods=["GET"]),
    Route("/asyncapi.json", _asyncapi, methods=["GET"]),
    Route("/", page, methods=["GET"]),
    Route("/{path:path}", page, methods=["GET"]),
]
