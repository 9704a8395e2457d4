"""An answer on the wire, streamed or whole, with the faults that come after its headers."""

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from local.provider.behaviours import Behaviour
from local.provider.faults import Fault
from local.provider.meter import Call
from local.provider.planning import REPEATED, Plan
from local.provider.questions import Question
from local.provider.refusing import abort
from local.provider.shapes import CREATED, DONE, chunk_of, error_of, event, usage_of

_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
_ERROR = error_of("server_error", "server_error", "The server had an error while it answered.")
_RATE_LIMITED = error_of(429, "rate_limit_exceeded", "Too many requests.")


@dataclass(slots=True)
class Stream:
    """One streamed answer. What it writes, the meter counts."""

    request: web.Request
    behaviour: Behaviour
    question: Question
    call: Call
    plan: Plan

    async def run(self) -> web.StreamResponse:
        """Until the end, the fault, or the client hangs up."""
        response = web.StreamResponse(headers=_HEADERS)
        try:
            await response.prepare(self.request)
            await asyncio.sleep(self.behaviour.first_token_seconds)
            await self._say(response)
        except (ConnectionError, asyncio.CancelledError):
            self.call.state = "disconnected"
            raise
        return response

    async def _say(self, response: web.StreamResponse) -> None:
        tokens, breaks_after = self.plan.tokens, self.plan.breaks_after
        if breaks_after != 0 or self.behaviour.fault is Fault.REPEATED_CHUNKS:
            await self._send(response, {"role": "assistant", "content": ""})
        for number, token in enumerate(tokens[:breaks_after]):
            if number and self.behaviour.token_seconds:
                await asyncio.sleep(self.behaviour.token_seconds)
            await self._token(response, token)
        if breaks_after is None:
            await self._end(response)
        else:
            await self._fail(response)

    async def _fail(self, response: web.StreamResponse) -> None:
        while self.behaviour.fault is Fault.REPEATED_CHUNKS:
            await self._token(response, REPEATED)
            await asyncio.sleep(self.behaviour.token_seconds)
        self.call.state = "failed"
        match self.behaviour.fault:
            case Fault.CUT:
                abort(self.request)
            case Fault.STALL:
                await asyncio.Event().wait()
            case Fault.ERROR_IN_STREAM:
                await response.write(event(_ERROR))
            case Fault.RATE_LIMITED_IN_STREAM:
                await response.write(event(_RATE_LIMITED))
            case Fault.MALFORMED_CHUNK:
                await response.write(b"data: {not json\n\n")

    async def _token(self, response: web.StreamResponse, token: str) -> None:
        """Counted once it can be written, before it is: who has read it finds it in the meter."""
        if self.request.transport is None or self.request.transport.is_closing():
            raise ConnectionResetError
        self.call.completion_tokens += 1
        await self._send(response, {"content": token})

    async def _send(self, response: web.StreamResponse, delta: dict[str, str], finish: str | None = None) -> None:
        await self._chunk(response, [{"index": 0, "delta": delta, "finish_reason": finish}])

    async def _chunk(self, response: web.StreamResponse, choices: list[dict[str, Any]], *, bill: bool = False) -> None:
        chunk = chunk_of(self.call, choices)
        if self.behaviour.usage and (bill or self.question.usage_in_every_chunk):
            chunk["usage"] = usage_of(self.call.prompt_tokens, self.call.completion_tokens)
        await response.write(event(chunk))

    async def _end(self, response: web.StreamResponse) -> None:
        await self._send(response, {}, self.plan.finish_reason)
        if self.behaviour.usage and self.question.with_usage:
            await self._chunk(response, [], bill=True)
        self.call.finish_reason, self.call.state = self.plan.finish_reason, "completed"
        if self.behaviour.fault is not Fault.MISSING_DONE:
            await response.write(DONE)
        await response.write_eof()


async def whole(request: web.Request, behaviour: Behaviour, call: Call, plan: Plan) -> web.StreamResponse:
    """The answer in one piece. Who hangs up before it is there pays for the question only."""
    try:
        await asyncio.sleep(behaviour.first_token_seconds + behaviour.token_seconds * len(plan.tokens))
        if request.transport is None or request.transport.is_closing():
            raise ConnectionResetError
    except (ConnectionError, asyncio.CancelledError):
        call.state = "disconnected"
        raise
    call.completion_tokens, call.finish_reason, call.state = len(plan.tokens), plan.finish_reason, "completed"
    message = {"role": "assistant", "content": "".join(plan.tokens)}
    answer: dict[str, Any] = {
        "id": call.call_id,
        "object": "chat.completion",
        "created": CREATED,
        "model": call.model,
        "choices": [{"index": 0, "message": message, "finish_reason": plan.finish_reason}],
    }
    usage = {"usage": usage_of(call.prompt_tokens, call.completion_tokens)} if behaviour.usage else {}
    return web.json_response(answer | usage)
