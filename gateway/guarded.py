"""Routes that only some may use: each says which scopes of a machine's key open it."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.edge import Edge
from sluice.tokens import Person, Scope

Handler = Callable[[Request], Awaitable[Response]]


class Guarded(Route):
    """The handler is reached by who is known and may; who that is tells `person_of`. Any one of `needs` suffices.

    Roles of people are asked for by the handlers: see `Access.officer`.
    """

    def __init__(self, path: str, handler: Handler, method: str, *needs: Scope) -> None:
        self.needs = needs
        super().__init__(path, _guarding(handler, needs), methods=[method])


def person_of(request: Request) -> Person:
    """Who is asking."""
    person: Person = request.state.person
    return person


def _guarding(handler: Handler, needs: tuple[Scope, ...]) -> Handler:
    @wraps(handler)
    async def guarded(request: Request) -> Response:
        edge: Edge = request.app.state.edge
        request.state.person = await edge.access.person(request.headers, needs)
        return await handler(request)

    return guarded
