"""WebSockets by the thousand: as little client as can be, so that the gateway is what is measured."""

import asyncio
import base64
import json
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.bare_frames import PING, PONG, TEXT, made_frame, take_frame
from benchmarks.measurement import NothingMeasured

_PER_ADDRESS = 5000
"""Sockets from one loopback address: well below the number of its ports."""
_SPARE_FILES = 500
OnFrame = Callable[["RawSocket", dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Where to and as whom."""

    port: int
    token: str


class RawSocket(asyncio.Protocol):
    """One connection: upgrades, answers pings, hands frames to `on_frame`."""

    __slots__ = ("_data", "_target", "_upgraded", "gone", "on_frame", "transport")

    def __init__(self, target: Target, on_frame: OnFrame) -> None:
        self._target, self.on_frame = target, on_frame
        self._data, self._upgraded, self.gone = b"", False, False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]
        lines = (
            "GET /v1/ws HTTP/1.1",
            "Host: 127.0.0.1",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: sluice.v1",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            f"Authorization: Bearer {self._target.token}",
        )
        self._write("\r\n".join(lines).encode() + b"\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        """Frames, whole ones."""
        self._data += data
        if not self._upgraded:
            head, found, rest = self._data.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                raise NothingMeasured(f"the gateway refused: {head[:200]!r}")
            self._upgraded, self._data = True, rest
        while self._take_one():
            pass

    def connection_lost(self, _error: Exception | None) -> None:
        """By whomever."""
        self.gone = True

    def send(self, frame: dict[str, Any]) -> None:
        """As text."""
        self._write(made_frame(TEXT, json.dumps(frame).encode()))

    def drop(self) -> None:
        """As a network does, without a word."""
        if self.transport is not None:
            self.transport.abort()

    def _take_one(self) -> bool:
        found = take_frame(self._data)
        if found is None:
            return False
        opcode, payload, self._data = found
        if opcode == TEXT:
            self.on_frame(self, json.loads(payload))
        elif opcode == PING:
            self._write(made_frame(PONG, payload))
        return True

    def _write(self, data: bytes) -> None:
        if self.transport is not None and not self.gone:
            self.transport.write(data)


async def open_socket(target: Target, number: int, on_frame: OnFrame) -> RawSocket:
    """The `number` chooses the source address."""
    loop = asyncio.get_running_loop()
    _, made = await loop.create_connection(
        lambda: RawSocket(target, on_frame),
        "127.0.0.1",
        target.port,
        local_addr=(f"127.0.0.{2 + number // _PER_ADDRESS}", 0),
    )
    return made


def allow_files(count: int) -> None:
    """Raise this process's soft limit of open files. Raises NothingMeasured where the hard one is too low."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = count + _SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise NothingMeasured(f"{count} sockets need {needed} open files, `ulimit -Hn` allows {hard}")
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
