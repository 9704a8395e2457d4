"""Readers that do not read, over real sockets: a code, bounded bytes, bounded time, and a resume that works."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway import slow_readers
from gateway.edge import Edge
from gateway.server import Server
from sluice.ids import pseudonym
from sluice.safe_text import SafeText
from tests.integration.gateway.serving import RawClient, serving
from tests.samples import SAMPLES, TURN_ID
from tests.unit.gateway.doubles import PSEUDONYM, bearer, make_edge
from tests.waiting import meanwhile

LIMIT = 200_000
TERMINAL, CLOSE = "TurnCancelled", 8
JANE = pseudonym("jane", PSEUDONYM)


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    return make_edge(tmp_path, socket_buffer_bytes=LIMIT, coalesce_ms=0)


@pytest.fixture
async def served(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Server, int]]:
    monkeypatch.setattr(slow_readers, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(slow_readers, "GRACE_SECONDS", 0.5)
    edge.turns.history.record([msgspec.structs.replace(SAMPLES["ChatRequested"], user_id=JANE)])
    async with serving(edge) as found:
        yield found


@pytest.fixture
def patient(served: tuple[Server, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads on has the time to, on a busy machine too."""
    monkeypatch.setattr(slow_readers, "GRACE_SECONDS", 60.0)


def hear(edge: Edge, name: str, **over) -> None:
    edge.hub.take(msgspec.structs.replace(SAMPLES[name], user_id=JANE, **over))


async def listener(edge: Edge, port: int, cursor: str | None = None) -> RawClient:
    client = RawClient(port)
    await client.upgrade(bearer(edge)["Authorization"])
    assert b"ready" in (await client.frame())[1]
    await client.send({"type": "session.resume", "session_id": "s-1", "cursor": cursor})
    return client


async def talk(edge: Edge, pieces: int, size: int, first: int = 0) -> None:
    for seq in range(first, first + pieces):
        hear(edge, "DeltaProduced", seq=seq, text=SafeText("x" * size))
        await asyncio.sleep(0)


def buffered(server: Server) -> int:
    return sum(peer.transport.get_write_buffer_size() for peer in server.server_state.connections)


async def begun(edge: Edge, port: int) -> RawClient:
    hear(edge, "AttemptStarted")
    client = await listener(edge, port)
    for kind in (b"started", b"snapshot"):
        assert kind in (await client.frame())[1]
    return client


async def test_who_reads_nothing_is_cut_off_in_bounded_time_and_bytes(edge: Edge, served: tuple[Server, int]):
    server, port = served
    client = await begun(edge, port)
    await talk(edge, 100, 10_000)
    assert buffered(server) <= LIMIT + 70_000
    await meanwhile(lambda: not server.server_state.connections)
    assert edge.metrics.gauge("sluice_sockets")._value.get() == 0
    assert edge.bridge.wanted == []  # type: ignore[attr-defined]
    assert edge.metrics.registry.get_sample_value("sluice_refusals_total", {"code": "slow_reader"}) == 1
    client.close()


async def test_a_reader_that_stalls_without_a_flood_is_cut_off_by_time_and_resumes(
    edge: Edge, served: tuple[Server, int]
):
    server, port = served
    client = await begun(edge, port)
    await talk(edge, 12, 10_000)
    assert edge.metrics.gauge("sluice_sockets")._value.get() == 1
    await talk(edge, 2, 10_000, 12)
    await meanwhile(lambda: not server.server_state.connections)
    client.close()
    again = await listener(edge, port, f"{TURN_ID}:1:3")
    delta = json.loads((await again.frame())[1])
    assert (delta["first_seq"], delta["seq"], len(delta["text"])) == (4, 13, 100_000)
    hear(edge, TERMINAL)
    assert b"cancelled" in (await again.frame())[1]
    again.close()


@pytest.mark.usefixtures("patient")
async def test_who_begins_to_read_again_is_told_the_code(edge: Edge, served: tuple[Server, int]):
    _, port = served
    client = await begun(edge, port)
    await talk(edge, 100, 10_000)
    opcode, payload = 1, b""
    before = b""
    while opcode != CLOSE:
        before = payload
        opcode, payload = await client.frame()
    assert json.loads(before)["code"] == "slow_reader"
    assert (int.from_bytes(payload[:2], "big"), payload[2:]) == (4408, b"slow_reader")
    client.close()


async def test_one_stalled_reader_does_not_hold_up_another(edge: Edge, served: tuple[Server, int]):
    _, port = served
    stalled, other = await begun(edge, port), await listener(edge, port)
    for _ in range(2):
        await other.frame()
    reading = asyncio.create_task(read_to_the_end(other))
    for seq in range(100):
        hear(edge, "DeltaProduced", seq=seq, text=SafeText("x" * 10_000))
        await asyncio.sleep(0.001)
    hear(edge, TERMINAL)
    assert await reading == 1_000_000
    stalled.close()
    other.close()


async def read_to_the_end(client: RawClient) -> int:
    characters = 0
    while True:
        frame = json.loads((await client.frame())[1])
        if frame["type"] == "cancelled":
            return characters
        assert frame["type"] == "delta"
        characters += len(frame["text"])


async def test_a_stalled_reader_of_events_is_cut_off(edge: Edge, served: tuple[Server, int]):
    server, port = served
    hear(edge, "AttemptStarted")
    client = RawClient(port)
    await client.request(f"/v1/turns/{TURN_ID}/events", **bearer(edge))
    await meanwhile(lambda: edge.bridge.wanted)  # type: ignore[attr-defined]
    await asyncio.sleep(0.05)
    await talk(edge, 100, 10_000)
    assert buffered(server) <= LIMIT + 70_000
    await meanwhile(lambda: not server.server_state.connections)
    assert edge.bridge.wanted == []  # type: ignore[attr-defined]
    client.close()


@pytest.mark.usefixtures("patient")
async def test_a_reader_of_events_that_reads_on_is_told_the_code(edge: Edge, served: tuple[Server, int]):
    _, port = served
    hear(edge, "AttemptStarted")
    client = RawClient(port)
    await client.request(f"/v1/turns/{TURN_ID}/events", Connection="close", **bearer(edge))
    await meanwhile(lambda: edge.bridge.wanted)  # type: ignore[attr-defined]
    await asyncio.sleep(0.05)
    await talk(edge, 100, 10_000)
    assert b'event: error\ndata: {"type":"error","code":"slow_reader"' in await client.read_all()
    client.close()


async def test_who_leaves_before_the_first_byte_leaves_nothing_behind(edge: Edge, served: tuple[Server, int]):
    _, port = served
    for _ in range(20):
        client = RawClient(port)
        await client.request(f"/v1/turns/{TURN_ID}/events", **bearer(edge))
        client.close()
    await asyncio.sleep(0.2)
    await meanwhile(lambda: not edge.bridge.wanted)  # type: ignore[attr-defined]
    assert not edge.hub._listeners


async def test_a_server_that_is_told_to_go_closes_with_1012(edge: Edge, served: tuple[Server, int]):
    server, port = served
    client = await begun(edge, port)
    server.should_exit = True
    opcode, payload = await client.frame()
    assert (opcode, int.from_bytes(payload[:2], "big")) == (CLOSE, 1012)
    assert edge.turns.closing
    client.close()
