"""What a privacy officer may ask for: erasure of a person, and how far it is."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.guarded import person_of
from gateway.rest import edge_of
from sluice.errors import ErrorCode, Refused
from sluice.ids import is_pseudonym

ROLE: Final = "privacy_officer"


async def erase_person(request: Request) -> Response:
    """Put the request on the log: 202 once Kafka has it. A repeat is carried out again and finds nothing."""
    edge, officer, user_id = edge_of(request), person_of(request), _user_of(request)
    edge.access.officer(officer, ROLE, "data.erase", user_id)
    request_id = await edge.turns.request_erasure(user_id, officer.user_id)
    where = f"/v1/people/{user_id}/erasure"
    return JSONResponse({"request_id": request_id, "user_id": user_id, "state": "running"}, 202, {"Location": where})


async def show_erasure(request: Request) -> Response:
    """How far the last one is."""
    edge, user_id = edge_of(request), _user_of(request)
    edge.access.officer(person_of(request), ROLE, "data.erase", user_id)
    await edge.turns.read_on(user_id)
    known = edge.turns.history.erasure(user_id)
    if known is None:
        raise Refused(ErrorCode.NOT_FOUND)
    until, running = known
    state = {"state": "running", "erased_until": None} if running else {"state": "completed", "erased_until": until}
    return JSONResponse({"user_id": user_id} | state)


def _user_of(request: Request) -> str:
    user_id: str = request.path_params["user_id"]
    if not is_pseudonym(user_id):
        raise Refused(ErrorCode.INVALID_FRAME, "People are named by their pseudonym, usr_ and 32 hex digits.")
    return user_id
