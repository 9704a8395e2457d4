"""One turn as server-sent events. The event id is the public cursor, so that `Last-Event-ID` resumes."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.edge import Edge
from gateway.frames import (
    TERMINAL_FRAMES,
    Completed,
    Delta,
    Failed,
    Latency,
    ServerFrame,
    Snapshot,
    UsageShown,
)
from gateway.frames import Cancelled as CancelledFrame
from gateway.history import StoredTurn
from gateway.outbox import Outbox
from gateway.rendering import catch_up, read_cursor
from gateway.rest import edge_of, turn_of
from sluice.errors import ErrorCode, Refused

_HEARTBEAT_SECONDS = 15.0
_ENCODER = msgspec.json.Encoder()
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def turn_events(request: Request) -> Response:
    """All frames of the turn, from the cursor on, until its end."""
    turn, edge = turn_of(request), edge_of(request)
    try:
        cursor = read_cursor(request.headers.get("last-event-id"))
    except ValueError:
        raise Refused(ErrorCode.INVALID_FRAME, "Last-Event-ID is turn_id:attempt:seq.") from None
    try:
        await edge.bridge.want(turn.session_id)
    except TimeoutError:
        edge.bridge.release(turn.session_id)
        raise Refused(ErrorCode.LOG_UNAVAILABLE) from None
    return StreamingResponse(_stream(edge, turn, cursor), media_type="text/event-stream", headers=_HEADERS)


async def _stream(edge: Edge, turn: StoredTurn, cursor: tuple[str, int, int] | None) -> AsyncIterator[bytes]:
    outbox = Outbox(edge.settings.socket_buffer_bytes)
    try:
        edge.hub.listen(turn.session_id, outbox.put)
        reply = edge.hub.replies.get(turn.turn_id)
        stored = edge.turns.history.turn(turn.turn_id)
        if reply is not None:
            missed = catch_up(reply, cursor)
        else:
            missed = stored_frames(stored) if stored is not None and stored.document is not None else []
        async for frame in _frames(missed, outbox, turn.turn_id):
            if frame is None:
                yield b": still here\n\n"
                continue
            yield _event(frame)
            if isinstance(frame, TERMINAL_FRAMES):
                return
    finally:
        edge.hub.leave(turn.session_id, outbox.put)
        edge.bridge.release(turn.session_id)


async def _frames(missed: list[ServerFrame], outbox: Outbox, turn_id: str) -> AsyncIterator[ServerFrame | None]:
    for frame in missed:
        yield frame
    while not outbox.overflown:
        try:
            frames = await asyncio.wait_for(outbox.take(), _HEARTBEAT_SECONDS)
        except TimeoutError:
            yield None
            continue
        for frame in frames:
            if getattr(frame, "turn_id", None) == turn_id:
                yield frame


def _event(frame: ServerFrame) -> bytes:
    kind = str(frame.__struct_config__.tag)
    cursor = ""
    if isinstance(frame, Delta | Snapshot):
        cursor = f"id: {frame.turn_id}:{frame.attempt}:{frame.seq}\n"
    return f"{cursor}event: {kind}\ndata: ".encode() + _ENCODER.encode(frame) + b"\n\n"


def stored_frames(turn: StoredTurn) -> list[ServerFrame]:
    """A turn that ended long ago: its whole text and its end."""
    document = turn.document or {}
    if turn.state == "failed":
        error = document["error"]
        return [Failed(turn.turn_id, error["code"], error["message"], error["retryable"])]
    attempt = document["attempts"]
    frames: list[ServerFrame] = [Snapshot(turn.turn_id, turn.session_id, attempt, -1, document["answer"])]
    if turn.state == "cancelled":
        return [*frames, CancelledFrame(turn.turn_id, attempt)]
    usage = msgspec.convert(document["usage"], UsageShown)
    latency = msgspec.convert(document["latency_ms"], Latency)
    return [
        *frames,
        Completed(
            turn.turn_id,
            attempt,
            usage,
            document["cost_usd"],
            latency,
            document["model"],
            document["finish_reason"] or "stop",
        ),
    ]
