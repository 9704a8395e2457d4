"""What goes wrong before an answer begins."""

import asyncio

from aiohttp import web

from local.provider.behaviours import Behaviour
from local.provider.faults import FAULTS, REFUSED_PREFILL, SHORT_CONTEXT_TOKENS, Fault, Refusal, refusal_of
from local.provider.meter import Call
from local.provider.questions import Question
from local.provider.shapes import refused

_LOGIN = "<!doctype html><title>Sign in</title><form><input name=user><button>Sign in</button></form>"


async def before_answer(
    request: web.Request, behaviour: Behaviour, question: Question, call: Call
) -> web.Response | None:
    """The refusal, where there is one: it costs nothing. May never return."""
    response: web.Response | None = None
    refusal = _refusal(behaviour, question, call.prompt_tokens)
    if refusal is not None:
        response = refused(refusal)
    match behaviour.fault:
        case Fault.HTML if response is None:
            response = web.Response(text=_LOGIN, content_type="text/html")
        case Fault.RESET_BEFORE_HEADERS:
            abort(request)
            response = web.Response()
        case Fault.NO_RESPONSE:
            call.state = "failed"
            await asyncio.Event().wait()
    if response is not None:
        call.state, call.prompt_tokens = "refused", 0
    return response


def _refusal(behaviour: Behaviour, question: Question, prompt_tokens: int) -> Refusal | None:
    if behaviour.prefill == "refuse" and question.begun is not None:
        return REFUSED_PREFILL
    if FAULTS[behaviour.fault].moment != "instead":
        return None
    if behaviour.fault is Fault.CONTEXT_TOO_LONG and prompt_tokens <= SHORT_CONTEXT_TOKENS:
        return None
    return refusal_of(behaviour.fault, behaviour.status, behaviour.retry_after_seconds)


def abort(request: web.Request) -> None:
    """Close the connection below HTTP."""
    if request.transport is not None:
        request.transport.abort()
