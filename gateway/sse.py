"""One turn as server-sent events. The event id is the public cursor, so that `Last-Event-ID` resumes."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from gateway import slow_readers
from gateway.documents import StoredTurn
from gateway.edge import Edge
from gateway.frames import TERMINAL_FRAMES, Delta, ServerFrame, Snapshot
from gateway.missed import turn_so_far
from gateway.outbox import Outbox
from gateway.protocol import error_frame
from gateway.rendering import Cursor, read_cursor
from gateway.rest import edge_of, turn_of
from sluice.errors import ErrorCode, Refused

_HEARTBEAT_SECONDS = 15.0
_ENCODER = msgspec.json.Encoder()
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def turn_events(request: Request) -> Response:
    """All frames of the turn, from the cursor on, until its end."""
    turn = await turn_of(request)
    try:
        cursor = read_cursor(request.headers.get("last-event-id"))
    except ValueError:
        raise Refused(ErrorCode.INVALID_FRAME, "Last-Event-ID is turn_id:attempt:seq.") from None
    return TurnEvents(edge_of(request), turn, cursor)


class TurnEvents(StreamingResponse):
    """Follows the turn while it is sent, however it ends. Raises Refused before the first byte or not at all."""

    def __init__(self, edge: Edge, turn: StoredTurn, cursor: Cursor | None) -> None:
        self._edge, self._turn, self._cursor = edge, turn, cursor
        self._missed: list[ServerFrame] = []
        self._outbox = Outbox(edge.settings.socket_buffer_bytes)
        super().__init__(self._events(), media_type="text/event-stream", headers=_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        edge, turn = self._edge, self._turn
        try:
            await edge.bridge.want(turn.session_id)
        except TimeoutError:
            raise Refused(ErrorCode.LOG_UNAVAILABLE) from None
        try:
            if turn.document is None and turn.turn_id not in edge.hub.replies:
                await edge.turns.read_on(turn.turn_id)  # it may have ended elsewhere, long ago
            slow_readers.guard(self._outbox, scope)
            # Nothing waits between the two: no frame falls in between, none comes twice.
            reply, stored = edge.hub.replies.get(turn.turn_id), edge.turns.history.turn(turn.turn_id)
            self._missed = turn_so_far(reply, stored, self._cursor)
            edge.hub.listen(turn.user_id, turn.session_id, self._outbox.put)
            await super().__call__(scope, receive, send)
        finally:
            edge.hub.leave(turn.user_id, turn.session_id, self._outbox.put)
            edge.bridge.release(turn.session_id)

    async def stream_response(self, send: Send) -> None:
        """As Starlette's, but no send takes longer than a stalled reader is worth."""
        await super().stream_response(hurried(send, self._outbox))

    async def _events(self) -> AsyncIterator[bytes]:
        async for frame in turn_frames(self._missed, self._outbox, self._turn.turn_id):
            yield b": still here\n\n" if frame is None else _event(frame)
            if isinstance(frame, TERMINAL_FRAMES):
                return
        self._edge.metrics.count("sluice_refusals_total", code=ErrorCode.SLOW_READER.value)
        yield _event(error_frame(Refused(ErrorCode.SLOW_READER)))


def hurried(send: Send, outbox: Outbox) -> Send:
    """Gives the outbox up where a send takes too long."""

    async def send_soon(message: Message) -> None:
        try:
            async with asyncio.timeout(slow_readers.STALL_SECONDS):
                await send(message)
        except TimeoutError:
            outbox.give_up()

    return send_soon


async def turn_frames(missed: list[ServerFrame], outbox: Outbox, turn_id: str) -> AsyncIterator[ServerFrame | None]:
    """Frames of one turn. Ends where the reader is too slow. None is a heartbeat."""
    for frame in missed:
        if outbox.overflown:
            return
        yield frame
    while not outbox.overflown:
        try:
            async with asyncio.timeout(_HEARTBEAT_SECONDS):
                frames = await outbox.take()
        except TimeoutError:
            yield None
            continue
        for frame in frames:
            if outbox.overflown:
                return
            if getattr(frame, "turn_id", None) == turn_id:
                yield frame


def _event(frame: ServerFrame) -> bytes:
    kind = str(frame.__struct_config__.tag)
    cursor = ""
    if isinstance(frame, Delta | Snapshot):
        cursor = f"id: {frame.turn_id}:{frame.attempt}:{frame.seq}\n"
    return f"{cursor}event: {kind}\ndata: ".encode() + _ENCODER.encode(frame) + b"\n\n"
