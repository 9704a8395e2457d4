"""OpenAI's chat completions over the whole pipeline. `model` is a bot's name, the client's messages are the context."""

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.frames import MessageSend
from gateway.guarded import person_of
from gateway.openai_objects import Model, ModelList
from gateway.openai_request import MOST_BODY_BYTES, read_chat
from gateway.openai_turn import Completing
from gateway.rest import edge_of, read_body, wire_id
from sluice.errors import ErrorCode, Refused
from sluice.ids import session_with_own_context, unnamed_message_id
from sluice.tracing import HEADER


async def chat_completions(request: Request) -> Response:
    """Accept the question and follow its turn, as a stream or to its end."""
    edge, person = edge_of(request), person_of(request)
    asked = read_chat(await read_body(request, MOST_BODY_BYTES, ErrorCode.MESSAGES_TOO_LARGE))
    edge.access.permit(person, bot=asked.bot)
    key, name = request.headers.get("idempotency-key"), request.headers.get("x-session-id")
    grouped_by = wire_id(name) if name else key and f":{wire_id(key)}"
    message = MessageSend(
        client_msg_id=key or unnamed_message_id(),
        session_id=session_with_own_context(person.user_id, grouped_by),
        text=asked.question,
        bot=asked.bot,
    )
    return Completing(edge, person.user_id, asked, message, request.headers.get(HEADER))


async def list_models(request: Request) -> Response:
    """All bots that answer who asks."""
    person, bots = person_of(request), edge_of(request).turns.bots.by_name
    return JSONResponse(msgspec.to_builtins(ModelList([Model(name) for name in bots if person.may_ask(name)])))


async def show_model(request: Request) -> Response:
    """One bot."""
    name = request.path_params["model"]
    edge_of(request).access.permit(person_of(request), bot=name)
    if name not in edge_of(request).turns.bots.by_name:
        raise Refused(ErrorCode.BOT_UNKNOWN)
    return JSONResponse(msgspec.to_builtins(Model(name)))


async def nothing_here(_request: Request) -> Response:
    """The rest of OpenAI's paths."""
    raise Refused(ErrorCode.NOT_FOUND, "There is no such path here.")
