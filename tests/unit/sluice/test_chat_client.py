"""The client against a small gateway that says what it is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from sluice.certificates import certificate_file, make_certificates
from sluice.chat_client import ChatClient, TurnResult
from sluice.errors import ConfigurationError, Unavailable
from sluice.tls import ServerFiles, trusting

READY = {"type": "ready", "bots": [{"name": "b"}]}
ACCEPTED = {"type": "accepted", "turn_id": "t-1"}
COMPLETED = {"type": "completed", "turn_id": "t-1", "usage": {}, "cost_usd": "0", "latency_ms": {}, "model": "m"}


class SmallGateway:
    """Greets, then answers the first frame with `script`; ends the connection after it when told."""

    def __init__(self) -> None:
        self.script: list[dict] = []
        self.hang_up: int | None = None
        self.heard: list[dict] = []
        self.stopped = asyncio.Event()

    async def __call__(self, socket: ServerConnection) -> None:
        await socket.send(json.dumps(READY))
        async for text in socket:
            self.heard.append(json.loads(text))
            if self.heard[-1]["type"] == "turn.stop":
                await socket.send(json.dumps({"type": "cancelled", "turn_id": "t-1"}))
                continue
            for frame in self.script:
                await socket.send(json.dumps(frame))
            if self.hang_up is not None:
                await socket.close(self.hang_up)
                return


@pytest.fixture
async def gateway() -> AsyncIterator[tuple[SmallGateway, str]]:
    small = SmallGateway()
    async with serve(small, "127.0.0.1", 0, subprotocols=["sluice.v1"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        yield small, f"http://127.0.0.1:{port}"


async def ask(url: str, **more) -> TurnResult:
    async with ChatClient(url, "token") as client:
        return await client.ask("hi", session_id="s", bot="b", client_msg_id="m", **more)


async def test_only_the_newest_attempt_of_the_own_turn_counts(gateway):
    small, url = gateway
    small.script = [
        {"type": "something before"},
        ACCEPTED,
        {"type": "started", "turn_id": "t-1", "attempt": 1, "model": "m"},
        {"type": "delta", "turn_id": "t-1", "text": "void"},
        {"type": "delta", "turn_id": "t-other", "text": "foreign"},
        {"type": "reset", "turn_id": "t-1", "attempt": 2},
        {"type": "snapshot", "turn_id": "t-1", "text": "whole "},
        {"type": "delta", "turn_id": "t-1", "text": "answer"},
        {"type": "something new", "turn_id": "t-1"},
        COMPLETED,
    ]
    result = await ask(url)
    assert (result.text, result.attempts, result.state, result.turn_id) == ("whole answer", 2, "completed", "t-1")


async def test_a_stop_before_the_acceptance_is_sent_after_it(gateway):
    small, url = gateway
    small.script = [ACCEPTED]
    stop = asyncio.Event()
    stop.set()
    result = await asyncio.wait_for(ask(url, stop=stop), 10)
    assert result.state == "cancelled"
    assert small.heard[-1] == {"type": "turn.stop", "turn_id": "t-1"}


@pytest.mark.parametrize("code", [1000, 1011])
async def test_a_connection_that_ends_too_early(gateway, code: int):
    small, url = gateway
    small.script, small.hang_up = [ACCEPTED], code
    with pytest.raises(Unavailable, match="goes on without us"):
        await ask(url)


async def test_a_gateway_that_is_not_there():
    with pytest.raises(Unavailable, match="make up"):
        await ask("http://127.0.0.1:1")


async def test_the_client_wants_to_be_opened():
    with pytest.raises(RuntimeError, match="async with"):
        await ChatClient("http://127.0.0.1:1", "t").send({})


async def test_over_tls_and_only_with_a_gateway_that_can_be_trusted(tmp_path: Path):
    make_certificates(tmp_path / "own", datetime.now(UTC))
    make_certificates(tmp_path / "other", datetime.now(UTC))
    shown = ServerFiles(*[certificate_file(tmp_path / "own", "gateway")] * 2)
    small = SmallGateway()
    small.script = [ACCEPTED, COMPLETED]
    async with serve(small, "127.0.0.1", 0, subprotocols=["sluice.v1"], ssl=shown.context()) as server:  # type: ignore[list-item]
        url = f"https://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        async with ChatClient(url, "token", trusting(tmp_path / "own" / "ca.pem")) as client:
            result = await client.ask("hi", session_id="s", bot="b", client_msg_id="m")
        assert result.state == "completed"
        with pytest.raises(ConfigurationError, match="not of an authority that we trust"):
            async with ChatClient(url, "token", trusting(tmp_path / "other" / "ca.pem")):
                pytest.fail("it was trusted")
