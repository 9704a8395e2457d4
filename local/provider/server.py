"""The provider's HTTP: chat completions with server-sent events, the list of models, scripts, the meter.

On aiohttp, because faults below HTTP (a reset before the headers, a cut in mid-stream) need the transport.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from local.provider.answers import prompt_tokens
from local.provider.faults import REFUSALS, Fault, Refusal
from local.provider.meter import Meter, generation
from local.provider.models import Models
from local.provider.planning import plan
from local.provider.questions import question_of
from local.provider.refusing import before_answer
from local.provider.scripts import WrongScript, script_of
from local.provider.shapes import CREATED, refused
from local.provider.streaming import Stream, whole

SCRIPT_HEADER = "x-dev-script"
_MAX_BODY_BYTES = 4_000_000
_NOT_UNDERSTOOD = Refusal(400, "invalid_request", "This is not a chat completion request.")
_NO_SUCH_MODEL = Refusal(404, "model_not_found", "There is no such model. GET /v1/models lists them.")
_NO_SUCH_SCRIPT = Refusal(404, "script_not_found", "There is no such script. GET /v1/models lists them.")
_NAME_TAKEN = Refusal(
    409, "name_refused", "Names are letters, digits, '.', '_' and '-', at most 100, and not those of other models."
)
_RUNNING = Refusal(404, "running", "This call has not ended yet.")
_UNKNOWN = Refusal(404, "unknown", "There was no such call.")


@dataclass(slots=True)
class Provider:
    """State of one server."""

    key: str
    new_id: Callable[[], str]
    meter: Meter = field(default_factory=Meter)
    known: Models = field(default_factory=Models)

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_put("/v1/scripts/{name}", self.register)
        app.router.add_delete("/v1/scripts/{name}", self.remove)
        app.router.add_get("/v1/generation", self.read_generation)
        app.router.add_get("/meter", self.read_meter)
        app.router.add_get("/healthz", _health)
        return app

    async def models(self, _request: web.Request) -> web.Response:
        """All behaviours and scripts with a description."""
        listed = [
            {"id": b.name, "object": "model", "created": CREATED, "owned_by": "sluice", "description": b.description}
            for b in self.known.all()
        ]
        return web.json_response({"object": "list", "data": listed})

    async def read_meter(self, _request: web.Request) -> web.Response:
        """Calls and totals."""
        return web.json_response(self.meter.report())

    async def read_generation(self, request: web.Request) -> web.Response:
        """One call that has ended, by its id or the caller's."""
        call = self.meter.find(request.query.get("id", ""))
        if call is None:
            return refused(_UNKNOWN)
        return refused(_RUNNING) if call.state == "running" else web.json_response(generation(call))

    async def register(self, request: web.Request) -> web.Response:
        """A script becomes a model: 201, or 200 where it takes the place of another."""
        name = request.match_info["name"]
        try:
            new = self.known.register(name, script_of(await request.read()))
        except WrongScript as wrong:
            return _wrong(wrong)
        except ValueError:
            return refused(_NAME_TAKEN)
        return web.json_response({"id": name, "object": "model"}, status=201 if new else 200)

    async def remove(self, request: web.Request) -> web.Response:
        """It is a model no longer. Calls that run go on."""
        return web.Response(status=204) if self.known.remove(request.match_info["name"]) else refused(_NO_SUCH_SCRIPT)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """OpenAI's chat completions, streaming and not."""
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return refused(REFUSALS[Fault.REFUSED_KEY])
        try:
            question = question_of(await request.json())
        except (ValueError, KeyError, TypeError, AttributeError):
            return refused(_NOT_UNDERSTOOD)
        model = self.known.get(question.model)
        if model is None:
            return refused(_NO_SUCH_MODEL)
        try:
            behaviour = self.known.called(model, request.headers.get(SCRIPT_HEADER))
        except WrongScript as wrong:
            return _wrong(wrong)
        call = self.meter.begin(
            self.new_id(),
            behaviour.name,
            request.headers.get("traceparent", ""),
            prompt_tokens(question.messages),
            request.headers.get("X-Client-Request-Id", ""),
        )
        response = await before_answer(request, behaviour, question, call)
        if response is not None:
            return response
        answer = plan(behaviour, question)
        if not question.stream:
            return await whole(request, behaviour, call, answer)
        return await Stream(request, behaviour, question, call, answer).run()


def _wrong(script: WrongScript) -> web.Response:
    return refused(Refusal(400, "invalid_script", str(script)), param=script.field)


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})
