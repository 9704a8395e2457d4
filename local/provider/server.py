"""The provider's HTTP: chat completions with server-sent events, the list of models, the meter.

On aiohttp, because faults below HTTP (a reset before the headers, a cut in mid-stream) need the transport.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from local.provider.answers import prompt_tokens, tokens_of
from local.provider.behaviours import BEHAVIOURS, Behaviour
from local.provider.meter import Call, Meter

_CREATED = 1_700_000_000
_MAX_BODY_BYTES = 4_000_000


@dataclass(slots=True)
class Provider:
    """State of one server."""

    key: str
    new_id: Callable[[], str]
    meter: Meter = field(default_factory=Meter)
    seen: Counter[str] = field(default_factory=Counter)

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_get("/meter", self.read_meter)
        app.router.add_get("/healthz", _health)
        return app

    async def models(self, _request: web.Request) -> web.Response:
        """All behaviours with a description."""
        listed = [
            {"id": b.name, "object": "model", "created": _CREATED, "owned_by": "sluice", "description": b.description}
            for b in BEHAVIOURS.values()
        ]
        return web.json_response({"object": "list", "data": listed})

    async def read_meter(self, _request: web.Request) -> web.Response:
        """Calls and totals."""
        return web.json_response(self.meter.report())

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """OpenAI's chat completions, streaming and not."""
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, "invalid_api_key", "The key is wrong.")
        try:
            body = await request.json()
            messages = [{"role": str(m["role"]), "content": _text(m["content"])} for m in body["messages"]]
            behaviour = BEHAVIOURS.get(str(body["model"]))
            limit = _limit(body)
            with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return _error(400, "invalid_request", "This is not a chat completion request.")
        if behaviour is None:
            return _error(404, "model_not_found", "There is no such model. GET /v1/models lists them.")
        call = self.meter.begin(
            self.new_id(),
            behaviour.name,
            request.headers.get("traceparent", ""),
            prompt_tokens(messages),
            request.headers.get("X-Client-Request-Id", ""),
        )
        self.seen[behaviour.name] += 1
        refused = await self._before_answer(request, behaviour, call)
        if refused is not None:
            return refused
        whole = tokens_of(_continuation(behaviour, messages))
        answer = whole[:limit]
        finish = "stop" if len(answer) == len(whole) else "length"
        if not body.get("stream"):
            return await _whole(behaviour, call, answer, finish)
        return await _Stream(request, behaviour, call, with_usage, finish).run(answer)

    async def _before_answer(self, request: web.Request, behaviour: Behaviour, call: Call) -> web.Response | None:
        first_of_two = self.seen[behaviour.name] % 2 == 1
        response: web.Response | None = None
        match behaviour.fault:
            case "rate_limited":
                response = _error(429, "rate_limit_exceeded", "Too many requests.", {"Retry-After": "1"})
            case "rate_limited_bare":
                response = _error(429, "rate_limit_exceeded", "Too many requests.")
            case "error_once" if first_of_two:
                response = _error(500, "server_error", "Something went wrong.")
            case "unavailable":
                response = _error(503, "overloaded", "Come back later.")
            case "reset_before_headers":
                _abort(request)
                response = web.Response()
            case "no_response":
                call.state = "failed"
                await asyncio.Event().wait()
        if response is not None:
            call.state, call.prompt_tokens = "refused", 0
        return response


@dataclass(slots=True)
class _Stream:
    request: web.Request
    behaviour: Behaviour
    call: Call
    with_usage: bool
    finish: str

    async def run(self, answer: list[str]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        try:
            await response.prepare(self.request)
            await asyncio.sleep(self.behaviour.first_token_seconds)
            await self._send(response, {"role": "assistant", "content": ""})
            for number, token in enumerate(answer):
                if self.behaviour.after_tokens and number == self.behaviour.after_tokens and await self._fail(response):
                    return response
                if number and self.behaviour.token_seconds:
                    await asyncio.sleep(self.behaviour.token_seconds)
                self.call.completion_tokens += 1
                await self._send(response, {"content": token})
            await self._end(response)
        except (ConnectionError, asyncio.CancelledError):
            self.call.state = "disconnected"
            raise
        return response

    async def _fail(self, response: web.StreamResponse) -> bool:
        self.call.state = "failed"
        match self.behaviour.fault:
            case "cut":
                _abort(self.request)
            case "stall":
                await asyncio.Event().wait()
            case _:
                await response.write(b"data: {not json\n\n")
        return True

    async def _send(self, response: web.StreamResponse, delta: dict[str, str], finish: str | None = None) -> None:
        await response.write(_event(self._chunk([{"index": 0, "delta": delta, "finish_reason": finish}])))

    async def _end(self, response: web.StreamResponse) -> None:
        await self._send(response, {}, self.finish)
        if self.with_usage:
            await response.write(_event(self._chunk([]) | {"usage": _usage(self.call)}))
        self.call.state = "completed"
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        head = {"id": self.call.call_id, "object": "chat.completion.chunk", "created": _CREATED}
        return head | {"model": self.behaviour.name, "choices": choices}


async def _whole(behaviour: Behaviour, call: Call, answer: list[str], finish: str) -> web.Response:
    await asyncio.sleep(behaviour.first_token_seconds + behaviour.token_seconds * len(answer))
    call.completion_tokens, call.state = len(answer), "completed"
    message = {"role": "assistant", "content": "".join(answer)}
    return web.json_response(
        {
            "id": call.call_id,
            "object": "chat.completion",
            "created": _CREATED,
            "model": behaviour.name,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": _usage(call),
        }
    )


def _continuation(behaviour: Behaviour, messages: list[dict[str, str]]) -> str:
    """The answer to the last question. A beginning of it in the assistant's name is gone on with, not repeated."""
    if not messages or messages[-1]["role"] != "assistant":
        return behaviour.answer(messages[-1]["content"] if messages else "")
    begun = messages[-1]["content"]
    asked = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    whole = behaviour.answer(asked)
    return whole.removeprefix(begun) if whole.startswith(begun) else whole


def _usage(call: Call) -> dict[str, int]:
    total = call.prompt_tokens + call.completion_tokens
    return {
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "total_tokens": total,
    }


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part["text"]) for part in content if part.get("type") == "text")
    raise TypeError


def _limit(body: dict[str, Any]) -> int | None:
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return int(limit) if limit else None


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(
        {"error": {"message": message, "type": code, "code": code, "param": None}}, status=status, headers=headers
    )


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
