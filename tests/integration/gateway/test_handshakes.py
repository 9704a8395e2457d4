"""Every handshake is answered: one with too long a token by its code, one with too much else by a socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.edge import Edge
from gateway.frames import SUBPROTOCOL
from sluice.audit import Mark
from sluice.tokens import issue
from tests.integration.gateway.serving import serving
from tests.unit.gateway.doubles import SIGNING, bearer, make_edge

REFUSED = Mark("unknown", "token.refuse", "refused", "unauthenticated")


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    return make_edge(tmp_path)


@pytest.fixture
def marks(edge: Edge) -> list[Mark]:
    found: list[Mark] = []
    edge.access.note = found.append
    return found


@pytest.fixture
async def port(edge: Edge) -> AsyncIterator[int]:
    async with serving(edge) as (_, listening):
        yield listening
    edge.turns.history.close()


async def refusal(port: int, headers: dict[str, str], *, query: str = "", ticket: str | None = None) -> tuple[int, str]:
    """Status and code of a handshake that is refused."""
    offered = [SUBPROTOCOL] if ticket is None else [SUBPROTOCOL, f"ticket.{ticket}"]
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{port}/v1/ws{query}", additional_headers=headers, subprotocols=offered)
    return refused.value.response.status_code, json.loads(refused.value.response.body)["code"]


@pytest.mark.parametrize("length", [9_000, 100_000])
async def test_a_token_that_is_too_long_is_refused_and_marked(edge: Edge, marks: list[Mark], port: int, length: int):
    good = issue("jane", SIGNING, edge.turns.clock(), 3600)
    for token in ("e" * length, good + "A" * length):
        headers = {"Authorization": f"Bearer {token}"}
        assert await refusal(port, headers) == (401, "unauthenticated")
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/v1/sessions", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert token[:50] not in answer.text
    assert await refusal(port, {}, ticket="e" * length) == (401, "unauthenticated")
    assert marks == [REFUSED] * 5


async def test_a_token_in_an_address_opens_no_socket(edge: Edge, marks: list[Mark], port: int):
    token = issue("jane", SIGNING, edge.turns.clock(), 3600)
    for name in ("token", "access_token", "authorization", "ticket"):
        assert await refusal(port, {}, query=f"?{name}={token}") == (401, "unauthenticated")
    assert await refusal(port, {}, query=f"?token={token}&{'x' * 9000}") == (401, "unauthenticated")
    assert marks == [REFUSED] * 5


async def test_who_comes_with_many_headers_and_large_cookies_is_let_in(edge: Edge, port: int):
    much = {f"X-{number}": "y" for number in range(150)} | {"Cookie": "c" * 9_000}
    async with connect(
        f"ws://127.0.0.1:{port}/v1/ws", additional_headers=much | bearer(edge), subprotocols=[SUBPROTOCOL]
    ) as socket:
        assert json.loads(await socket.recv())["type"] == "ready"


HANDSHAKE = b"HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"


@pytest.mark.parametrize(
    ("line", "headers", "status"),
    [
        (b"POST /v1/ws", b"", 405),
        (b"GET /v1/ws", b"", 400),
        (b"GET /v1/ws", b"Authorization: Bearer \xff\x80\r\n", 401),
        (b"GET /v1/ws", b"Authorization: Bearer x\r\n y\r\n", 400),
        (b"GET /v1/ws", b"Authorization: Bearer x\r\n" * 200, 401),
        (b"GET /v1/ws", b"Transfer-Encoding: chunked\r\n", 401),
        (b"GET /v1/ws\xff", b"", 400),
    ],
)
async def test_strange_handshakes_are_answered_too(port: int, line: bytes, headers: bytes, status: int):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: sluice.v1\r\n" if headers else b""
    writer.write(line + b" " + HANDSHAKE + key + headers + b"\r\n")
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
