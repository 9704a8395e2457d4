"""One request of the OpenAI-compatible endpoint, from the acceptance of its question to the end of its turn."""

import asyncio
import contextlib
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway import slow_readers
from gateway.delivery import DeliveryTimes
from gateway.edge import Edge
from gateway.frames import TERMINAL_FRAMES, Delta, MessageSend, ServerFrame
from gateway.missed import turn_so_far
from gateway.openai_errors import error_of, openai_error
from gateway.openai_rendering import BEAT, Head, Rendering, Streamed, Whole, event
from gateway.openai_request import Asked
from gateway.outbox import Outbox
from gateway.sse import hurried, turn_frames
from sluice.errors import ErrorCode, Refused
from sluice.ids import may_be_resent, turn_id_for


class Completing(Response):
    """Raises Refused before the first byte or not at all. A client that hangs up stops the turn, if so set."""

    def __init__(
        self, edge: Edge, user_id: str, asked: Asked, message: MessageSend, traceparent: str | None = None
    ) -> None:
        super().__init__()
        self._edge, self._user_id, self._asked = edge, user_id, asked
        self._message, self._traceparent = message, traceparent
        self._outbox = Outbox(edge.settings.socket_buffer_bytes)
        self._times = DeliveryTimes(user_id, edge.turns.clock, edge.metrics)
        self._turn_id = turn_id_for(user_id, message.session_id, message.client_msg_id)
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        edge, session_id = self._edge, self._message.session_id
        try:
            await edge.bridge.want(session_id)
        except TimeoutError:
            raise Refused(ErrorCode.LOG_UNAVAILABLE) from None
        try:
            begun = edge.turns.clock()
            await self._accept()
            slow_readers.guard(self._outbox, scope)
            # Nothing waits between the two: no frame falls in between, none comes twice.
            missed = turn_so_far(edge.hub.replies.get(self._turn_id), edge.turns.history.turn(self._turn_id))
            edge.hub.listen(self._user_id, session_id, self._outbox.put)
            head = Head(self._turn_id, int(begun.timestamp()), self._asked.bot)
            rendering = Streamed(head, include_usage=self._asked.include_usage) if self._asked.stream else Whole(head)
            await self._follow(rendering, missed, scope, receive, hurried(send, self._outbox))
        finally:
            edge.hub.leave(self._user_id, session_id, self._outbox.put)
            edge.bridge.release(session_id)

    async def _accept(self) -> None:
        turns, message, asked, begun = self._edge.turns, self._message, self._asked, self._edge.turns.clock()
        resent = turns.knows(self._turn_id)
        await turns.accept(self._user_id, message, self._traceparent, asked.context, asked.sampling)
        if not resent:
            self._times.accepted(self._turn_id, message.session_id, message.bot, begun)
        elif self._turn_id not in self._edge.hub.replies:
            await turns.read_on(self._turn_id)  # it may have ended elsewhere, long ago

    async def _follow(
        self, rendering: Rendering, missed: list[ServerFrame], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer until the end of the turn or of the client, whichever comes first."""
        answering = asyncio.create_task(self._answer(rendering, missed, scope, receive, send))
        hanging_up = asyncio.create_task(_hung_up(receive))
        try:
            await asyncio.wait((answering, hanging_up), return_when=asyncio.FIRST_COMPLETED)
        finally:
            answering.cancel()
            hanging_up.cancel()
            ended, _ = await asyncio.gather(answering, hanging_up, return_exceptions=True)
        if ended is not True and self._edge.settings.openai_stop_on_hangup:
            with contextlib.suppress(Refused):  # the log is away: then the turn goes on to its end
                await self._edge.turns.stop_own(self._user_id, self._message.session_id, self._turn_id)
        if isinstance(ended, Exception):
            raise ended

    async def _answer(
        self, rendering: Rendering, missed: list[ServerFrame], scope: Scope, receive: Receive, send: Send
    ) -> bool:
        """False where nobody is left who could want the rest of the turn."""
        async for frame in turn_frames(missed, self._outbox, self._turn_id):
            if frame is None:
                if self._begun:
                    await self._send(send, rendering, BEAT)
                continue
            ended = isinstance(frame, TERMINAL_FRAMES)
            if ended:  # before the client has the end, and goes
                await self._time(frame)
            try:
                content = rendering.take(frame)
            except Refused as refused:
                await self._fail(refused, scope, receive, send, rendering)
                return ended or may_be_resent(self._message.client_msg_id)
            if content:
                await self._send(send, rendering, content, last=ended)
            if ended:
                return True
            await self._time(frame)
            if isinstance(frame, Delta):
                await asyncio.sleep(self._edge.settings.coalesce_ms / 1000)
        await self._fail(Refused(ErrorCode.SLOW_READER), scope, receive, send, rendering)
        return False

    async def _send(self, send: Send, rendering: Rendering, content: bytes, *, last: bool = False) -> None:
        if not self._begun:
            self._begun = True
            names = {"content-type": rendering.media_type, "cache-control": "no-store", "x-accel-buffering": "no"}
            if last:
                names["content-length"] = str(len(content))
            headers = [(name.encode(), value.encode()) for name, value in self._own_headers(names)]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": not last})

    async def _fail(self, refused: Refused, scope: Scope, receive: Receive, send: Send, rendering: Rendering) -> None:
        """As a status where nothing was sent, else as the last of the stream, without its end mark."""
        self._edge.metrics.count("sluice_refusals_total", code=refused.code.value)
        if self._begun:
            await self._send(send, rendering, event(error_of(refused)), last=True)
        else:
            response = openai_error(refused)
            response.headers.update(dict(self._own_headers({})))
            await response(scope, receive, send)

    def _own_headers(self, names: dict[str, str]) -> list[tuple[str, str]]:
        """OpenAI's SDK shows `x-request-id` to its users; here it is the turn."""
        return [*names.items(), ("x-request-id", self._turn_id)]

    async def _time(self, frame: ServerFrame) -> None:
        timed = self._times.sent(frame)
        if timed is not None:
            await self._edge.turns.log.post(timed)


async def _hung_up(receive: Receive) -> None:
    message: Any = {}
    while message.get("type") != "http.disconnect":
        message = await receive()
