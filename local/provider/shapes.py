"""OpenAI's shapes on the wire."""

import json
from typing import Any

from aiohttp import web

from local.provider.faults import Refusal
from local.provider.meter import Call

CREATED = 1_700_000_000
DONE = b"data: [DONE]\n\n"


def usage_of(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """The bill of a call."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def chunk_of(call: Call, choices: list[dict[str, Any]]) -> dict[str, Any]:
    """A chunk of a streamed answer."""
    head = {"id": call.call_id, "object": "chat.completion.chunk", "created": CREATED}
    return head | {"model": call.model, "choices": choices}


def event(data: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def error_of(code: str | int, type_: str, message: str, param: str | None = None) -> dict[str, Any]:
    """An error object."""
    return {"error": {"message": message, "type": type_, "code": code, "param": param}}


def refused(refusal: Refusal, param: str | None = None) -> web.Response:
    """An error answer."""
    after = refusal.retry_after_seconds
    return web.json_response(
        error_of(refusal.code, refusal.code, refusal.message, param),
        status=refusal.status,
        headers=None if after is None else {"Retry-After": f"{after:g}"},
    )
