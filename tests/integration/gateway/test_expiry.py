"""A socket whose token runs out is told so and closed, also where its person says nothing."""

import json
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.frames import SUBPROTOCOL
from sluice.tokens import issue
from tests.integration.gateway.serving import serving
from tests.unit.gateway.doubles import SIGNING, make_edge


async def test_a_silent_socket_ends_with_its_token(tmp_path: Path):
    edge = make_edge(tmp_path)
    token = issue("jane", SIGNING, edge.turns.clock(), 1)
    async with serving(edge) as (_, port):
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(
            f"ws://127.0.0.1:{port}/v1/ws", additional_headers=headers, subprotocols=[SUBPROTOCOL]
        ) as socket:
            assert json.loads(await socket.recv())["type"] == "ready"
            assert json.loads(await socket.recv())["code"] == "token_expired"
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
    edge.turns.history.close()
