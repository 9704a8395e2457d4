"""The WebSocket endpoint: a thin loop around a Connection."""

import asyncio

import msgspec
from starlette.websockets import WebSocket, WebSocketState

from gateway import slow_readers
from gateway.connection import Connection
from gateway.edge import Edge
from gateway.frames import SUBPROTOCOL, Delta, ServerFrame
from gateway.problems import problem
from gateway.protocol import error_frame
from gateway.watch import Watch
from sluice.errors import ErrorCode, Refused

CLOSE_SLOW = 4408
_ENCODER = msgspec.json.Encoder()


async def websocket_endpoint(websocket: WebSocket) -> None:
    """Authenticate, greet, then read and write until one side leaves."""
    edge: Edge = websocket.app.state.edge
    offered = websocket.scope["subprotocols"]
    try:
        if SUBPROTOCOL not in offered:
            raise Refused(ErrorCode.SUBPROTOCOL_REQUIRED)
        person = await edge.access.socket_person(websocket.headers, offered)
    except Refused as refused:
        edge.metrics.count("sluice_refusals_total", code=refused.code.value)
        await websocket.send_denial_response(problem(refused))
        return
    await websocket.accept(subprotocol=SUBPROTOCOL)
    connection = edge.connect(person)
    slow_readers.guard(connection.outbox, websocket.scope)
    edge.metrics.gauge("sluice_sockets").inc()
    writer = asyncio.create_task(_write(websocket, connection, edge))
    left_seconds = (person.expires_at - edge.turns.clock()).total_seconds()
    watch = Watch(connection, left_seconds, asyncio.get_running_loop().call_later)
    watch.start()
    try:
        connection.greet()
        await _read(websocket, connection)
    finally:
        watch.stop()
        edge.metrics.gauge("sluice_sockets").dec()
        connection.close()
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)


async def _read(websocket: WebSocket, connection: Connection) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        await connection.receive(message.get("bytes", b"") if text is None else text)


async def _write(websocket: WebSocket, connection: Connection, edge: Edge) -> None:
    pause = edge.settings.coalesce_ms / 1000
    outbox = connection.outbox
    while True:
        frames = await outbox.take()
        for frame in frames:
            if not await _sent(websocket, frame, edge):
                outbox.give_up()
            if outbox.overflown:
                break
            timed = connection.times.sent(frame)
            if timed is not None:
                await edge.turns.log.post(timed)
        if outbox.overflown:
            await _cut_off(websocket, edge)
            return
        if connection.protocol.close_code is not None:
            await _close(websocket, connection.protocol.close_code)
            return
        if frames and isinstance(frames[-1], Delta):
            await asyncio.sleep(pause)


async def _sent(websocket: WebSocket, frame: ServerFrame, edge: Edge) -> bool:
    """False where the peer did not take earlier frames for so long that this one has no place."""
    try:
        async with asyncio.timeout(slow_readers.STALL_SECONDS):
            await websocket.send_text(_ENCODER.encode(frame).decode())
    except TimeoutError:
        return False
    edge.metrics.count("sluice_frames_total", type=str(frame.__struct_config__.tag))
    return True


async def _cut_off(websocket: WebSocket, edge: Edge) -> None:
    """Say why, for a peer that reads on after all; `slow_readers.guard` ends the connection of one that does not."""
    refused = Refused(ErrorCode.SLOW_READER)
    edge.metrics.count("sluice_refusals_total", code=refused.code.value)
    if websocket.application_state is WebSocketState.CONNECTED:
        await _sent(websocket, error_frame(refused), edge)
        await _close(websocket, CLOSE_SLOW, refused.code.value)


async def _close(websocket: WebSocket, code: int, reason: str | None = None) -> None:
    if websocket.application_state is WebSocketState.CONNECTED:
        async with asyncio.timeout(slow_readers.STALL_SECONDS):
            await websocket.close(code, reason)
