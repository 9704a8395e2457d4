"""The gateway's own server on a real port, with little room in the operating system's buffers; no Kafka behind."""

import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.bare_frames import TEXT, made_frame, take_frame
from gateway.app import make_app
from gateway.edge import Edge
from gateway.server import Server, configuration

_KERNEL_BYTES = 4096


@asynccontextmanager
async def serving(edge: Edge) -> AsyncIterator[tuple[Server, int]]:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = Server(configuration(make_app(edge, lambda: None), "127.0.0.1", port), edge.turns)
    running = asyncio.create_task(server._serve([listener]))
    try:
        async with asyncio.timeout(30):
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        yield server, port
    finally:
        server.should_exit = True
        await running


class RawClient:
    """Reads only when told to."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)
        self.socket.setblocking(False)
        self._port, self._data = port, b""

    async def request(self, path: str, **headers: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.socket, ("127.0.0.1", self._port))
        lines = [f"GET {path} HTTP/1.1", "Host: h", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
        await loop.sock_sendall(self.socket, ("\r\n".join(lines) + "\r\n\r\n").encode())

    async def upgrade(self, authorization: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        await self.request(
            "/v1/ws",
            Authorization=authorization,
            Connection="Upgrade",
            Upgrade="websocket",
            Sec_WebSocket_Version="13",
            Sec_WebSocket_Protocol="sluice.v1",
            Sec_WebSocket_Key=key,
        )
        while b"\r\n\r\n" not in self._data:
            await self._more()
        self._data = self._data.split(b"\r\n\r\n", 1)[1]

    async def send(self, frame: dict[str, Any]) -> None:
        made = made_frame(TEXT, json.dumps(frame).encode())
        await asyncio.get_running_loop().sock_sendall(self.socket, made)

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and payload. Raises EOFError at the end, ConnectionError where the server cut the line."""
        while (found := self._parse()) is None:
            await self._more()
        return found

    async def read_all(self) -> bytes:
        """What is left until the end of the connection."""
        try:
            while True:
                await self._more()
        except (EOFError, ConnectionError):
            return self._data

    def close(self) -> None:
        self.socket.close()

    def _parse(self) -> tuple[int, bytes] | None:
        found = take_frame(self._data)
        if found is None:
            return None
        opcode, payload, self._data = found
        return opcode, payload

    async def _more(self) -> None:
        got = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.socket, 65536), 30)
        if not got:
            raise EOFError
        self._data += got
