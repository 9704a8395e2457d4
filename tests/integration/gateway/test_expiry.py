"""A socket whose token runs out or whose key is revoked is told so and closed, also where nothing is said on it."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.frames import SUBPROTOCOL
from sluice.api_key_store import DatabaseApiKeys
from sluice.api_keys import new_key
from sluice.tokens import issue
from tests.integration.gateway.serving import serving
from tests.unit.gateway.doubles import SIGNING, make_edge


async def test_a_silent_socket_ends_with_its_token(tmp_path: Path):
    edge = make_edge(tmp_path)
    token = issue("jane", SIGNING, edge.turns.clock(), 1)
    async with serving(edge) as (_, port):
        assert await ending(port, token, lambda: None) == ("token_expired", 4401)
    edge.turns.history.close()


async def test_a_silent_socket_ends_with_its_key(tmp_path: Path):
    edge, elsewhere = make_edge(tmp_path), DatabaseApiKeys(tmp_path / "api-keys.sqlite")
    edge.access.machines.keys = DatabaseApiKeys(tmp_path / "api-keys.sqlite")
    text, key = new_key("a machine", ["read"], None, edge.turns.clock(), 1)
    elsewhere.add(key)
    async with serving(edge) as (_, port):
        begun = time.monotonic()
        ended = await ending(port, text, lambda: elsewhere.revoke(key.key_id, edge.turns.clock()))
        assert ended == ("key_revoked", 4401)
        assert time.monotonic() - begun < 15
    edge.turns.history.close()


async def ending(port: int, token: str, happens: Callable[[], object]) -> tuple[str, int]:
    """What a socket is told last, and its close code, when something has happened after the greeting."""
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(
        f"ws://127.0.0.1:{port}/v1/ws", additional_headers=headers, subprotocols=[SUBPROTOCOL]
    ) as socket:
        assert json.loads(await socket.recv())["type"] == "ready"
        happens()
        code = json.loads(await socket.recv())["code"]
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    return code, closed.value.rcvd.code
