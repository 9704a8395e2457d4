"""The writer of a socket while the log is away: telemetry may be lost, frames may not."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.websockets import WebSocketState

from gateway.frames import Cancelled, Delta
from gateway.socket import CLOSE_SLOW, _write
from tests.doubles import NOON
from tests.unit.gateway.doubles import connect, make_edge


@dataclass
class PaperSocket:
    """Takes frames like Starlette's socket; `left` is a client that has gone."""

    left: bool = False
    sent: list[dict[str, Any]] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    @property
    def application_state(self) -> WebSocketState:
        return WebSocketState.DISCONNECTED if self.left else WebSocketState.CONNECTED

    async def send_text(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def close(self, code: int, reason: str | None = None) -> None:
        self.closed.append(code)


@pytest.fixture
def edge(tmp_path: Path):
    made = make_edge(tmp_path, coalesce_ms=0)
    yield made
    made.turns.history.close()


@pytest.fixture
def jane(edge):
    return connect(edge)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_log_that_is_away_does_not_silence_the_socket(edge, jane):
    socket = PaperSocket()
    writer = asyncio.create_task(_write(socket, jane, edge))  # type: ignore[arg-type]
    jane.times.accepted("t-1", "s-1", "b", NOON)
    edge.turns.log.producer.away = True
    jane.outbox.put(Cancelled("t-1", 1))
    await settle()
    jane.outbox.put(Cancelled("t-2", 1))
    await settle()
    ended = writer.done()
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    assert (ended, [frame["turn_id"] for frame in socket.sent]) == (False, ["t-1", "t-2"])


@pytest.mark.parametrize(("left", "closed"), [(False, [CLOSE_SLOW]), (True, [])])
async def test_a_slow_reader_is_closed_unless_it_has_gone(edge, jane, left: bool, closed: list[int]):
    socket = PaperSocket(left)
    jane.outbox.put(Delta("t-1", 1, 0, 0, "x" * 2_000_000))
    await _write(socket, jane, edge)  # type: ignore[arg-type]
    assert (socket.closed, [frame["code"] for frame in socket.sent]) == (closed, ["slow_reader"] * len(closed))
