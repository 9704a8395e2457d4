"""REST handlers. Bodies are checked by msgspec, refusals become problem details in one place (gateway.app)."""

import re
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.documents import StoredTurn
from gateway.edge import Edge
from gateway.frames import Feedback, MessageSend
from gateway.guarded import person_of
from gateway.mistakes import mistake
from gateway.protocol import check, check_text
from gateway.tickets import TICKET_SECONDS
from sluice.errors import ErrorCode, Refused
from sluice.ids import WIRE_ID, new_id
from sluice.tracing import HEADER

_DEFAULT_LIMIT, _MOST = 50, 200
_MAX_BODY_BYTES = 65_536
_TURN_ID = re.compile(r"[0-9a-f-]{36}")


class MessageBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `POST /v1/sessions/{session_id}/messages` takes."""

    text: str
    bot: str


class FeedbackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `POST /v1/turns/{turn_id}/feedback` takes."""

    rating: Literal["up", "down"]
    comment: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


def edge_of(request: Request) -> Edge:
    """The process's tools."""
    edge: Edge = request.app.state.edge
    return edge


async def send_message(request: Request) -> Response:
    """Accept a message: 202 once Kafka has it."""
    person, edge = person_of(request), edge_of(request)
    session_id = wire_id(request.path_params["session_id"])
    body = await _body(request, MessageBody)
    check_text(body.text)
    edge.access.permit(person, bot=body.bot)
    client_msg_id = wire_id(request.headers.get("idempotency-key") or new_id())
    message = MessageSend(client_msg_id, session_id, body.text, body.bot)
    turn_id = await edge.turns.accept(person.user_id, message, request.headers.get(HEADER))
    events = f"/v1/turns/{turn_id}/events"
    return JSONResponse({"turn_id": turn_id, "session_id": session_id, "events": events}, 202, {"Location": events})


async def list_sessions(request: Request) -> Response:
    """Own conversations, newest first."""
    person, edge = person_of(request), edge_of(request)
    limit, cursor = _page(request, ("9999", ""))
    found = edge.turns.history.sessions(person.user_id, cursor, limit + 1)
    shown = [
        {"session_id": s.session_id, "title": s.title, "bot": s.bot, "updated_at": s.updated_at, "turns": s.turns}
        for s in found[:limit]
    ]
    last = found[limit - 1] if len(found) > limit else None
    return JSONResponse({"sessions": shown, "next": last and f"{last.updated_at}|{last.session_id}"})


async def list_turns(request: Request) -> Response:
    """Turns of one's own conversation, oldest first."""
    person, edge = person_of(request), edge_of(request)
    session_id = wire_id(request.path_params["session_id"])
    if await edge.turns.owner_of_now(session_id) != person.user_id:
        raise Refused(ErrorCode.NOT_FOUND)
    limit, cursor = _page(request, ("", ""))
    read = partial(edge.turns.history.turns, session_id, cursor, limit + 1)
    found = await edge.turns.with_ends(read, session_id)
    last = found[limit - 1] if len(found) > limit else None
    shown = [edge.turns.show(turn) for turn in found[:limit]]
    return JSONResponse({"turns": shown, "next": last and f"{last.created_at}|{last.turn_id}"})


async def show_turn(request: Request) -> Response:
    """State of one's own turn."""
    turns, turn = edge_of(request).turns, await turn_of(request)
    (now,) = await turns.with_ends(lambda: [turns.history.turn(turn.turn_id) or turn], turn.turn_id)
    return JSONResponse(turns.show(now))


async def stop_turn(request: Request) -> Response:
    """End a running turn."""
    turn = await turn_of(request)
    await edge_of(request).turns.stop(turn.user_id, turn.turn_id)
    return Response(status_code=202)


async def judge_turn(request: Request) -> Response:
    """Thumbs up or down."""
    turn, body = await turn_of(request), await _body(request, FeedbackBody)
    feedback = Feedback(turn.turn_id, body.rating, body.comment)
    check(feedback)
    await edge_of(request).turns.judge(turn.user_id, feedback)
    return Response(status_code=202)


async def make_ticket(request: Request) -> Response:
    """A ticket for a browser's socket."""
    ticket = edge_of(request).access.tickets.issue(person_of(request))
    return JSONResponse({"ticket": ticket, "expires_in": TICKET_SECONDS})


async def make_development_token(request: Request) -> Response:
    """A token for the page, on loopback only."""
    edge = edge_of(request)
    token = edge.access.development_token(request.headers, request.client.host if request.client else None)
    return JSONResponse({"token": token, "expires_in": edge.settings.token_seconds})


async def health(_request: Request) -> Response:
    """Alive."""
    return JSONResponse({"status": "ok"})


async def readiness(request: Request) -> Response:
    """Fit for traffic: the log answers, all of it was read, and nobody told this process to go."""
    edge = edge_of(request)
    if edge.turns.closing:
        raise Refused(ErrorCode.SHUTTING_DOWN)
    if not edge.bridge.healthy:
        raise Refused(ErrorCode.LOG_UNAVAILABLE)
    return JSONResponse({"status": "ready"})


async def turn_of(request: Request) -> StoredTurn:
    """The turn in the path, if it is the person's own. Raises Refused."""
    turn_id = request.path_params["turn_id"]
    person = person_of(request)
    if not _TURN_ID.fullmatch(turn_id):
        raise Refused(ErrorCode.NOT_FOUND)
    return await edge_of(request).turns.find(person.user_id, turn_id)


async def read_body(request: Request, most_bytes: int, too_large: ErrorCode = ErrorCode.FRAME_TOO_LARGE) -> bytes:
    """Raises Refused as soon as it is too much."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > most_bytes:
            raise Refused(too_large)
    return bytes(raw)


async def _body(request: Request, shape: type[Any]) -> Any:
    raw = await read_body(request, _MAX_BODY_BYTES)
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        raise Refused(ErrorCode.INVALID_FRAME, mistake(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(ErrorCode.INVALID_JSON) from None


def wire_id(text: str) -> str:
    """Raises Refused on what clients may not use as an id."""
    if not WIRE_ID.fullmatch(text):
        raise Refused(ErrorCode.INVALID_FRAME, "Ids are 1 to 64 of A-Z, a-z, 0-9, _ and -.")
    return text


def _page(request: Request, start: tuple[str, str]) -> tuple[int, tuple[str, str]]:
    limit = request.query_params.get("limit", str(_DEFAULT_LIMIT))
    if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= _MOST:
        raise Refused(ErrorCode.INVALID_FRAME, f"limit is a number from 1 to {_MOST}.")
    cursor = request.query_params.get("cursor")
    if not cursor:
        return int(limit), start
    first, separator, second = cursor.partition("|")
    if not separator:
        raise Refused(ErrorCode.INVALID_FRAME, "cursor is the `next` of an earlier page.")
    return int(limit), (first, second)
