"""The WebSocket endpoint: a thin loop around a Connection."""

import asyncio

import msgspec
from starlette.websockets import WebSocket, WebSocketState

from gateway.connection import Connection
from gateway.edge import Edge
from gateway.frames import SUBPROTOCOL, Delta
from gateway.problems import problem
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
        person = edge.access.socket_person(websocket.headers, offered)
    except Refused as refused:
        edge.metrics.count("sluice_refusals_total", code=refused.code.value)
        await websocket.send_denial_response(problem(refused))
        return
    await websocket.accept(subprotocol=SUBPROTOCOL)
    connection = edge.connect(person)
    edge.metrics.gauge("sluice_sockets").inc()
    writer = asyncio.create_task(_write(websocket, connection, edge))
    try:
        connection.greet()
        await _read(websocket, connection)
    finally:
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
    while True:
        frames = await connection.outbox.take()
        for frame in frames:
            await websocket.send_text(_ENCODER.encode(frame).decode())
            edge.metrics.count("sluice_frames_total", type=str(frame.__struct_config__.tag))
            timed = connection.times.sent(frame)
            if timed is not None:
                await edge.turns.post(timed)
        close = CLOSE_SLOW if connection.outbox.overflown else connection.protocol.close_code
        if close is not None:
            if websocket.application_state is WebSocketState.CONNECTED:
                await websocket.close(close)
            return
        if frames and isinstance(frames[-1], Delta):
            await asyncio.sleep(pause)
