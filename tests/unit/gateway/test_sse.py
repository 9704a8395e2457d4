"""Events of one turn, without a server: what is missed first, then what comes, beats in between."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import sse
from gateway.edge import Edge
from gateway.frames import Delta
from gateway.outbox import Outbox
from gateway.sse import TurnEvents
from sluice.errors import Refused
from sluice.ids import pseudonym
from sluice.safe_text import SafeText
from tests.samples import SAMPLES, TURN_ID
from tests.unit.gateway.doubles import PSEUDONYM, make_edge

JANE = pseudonym("jane", PSEUDONYM)
SCOPE: dict[str, Any] = {"type": "http", "asgi": {"spec_version": "2.4"}}


@pytest.fixture
def edge(tmp_path: Path):
    made = make_edge(tmp_path)
    made.turns.history.record([own("ChatRequested")])
    yield made
    made.turns.history.close()


def own(name: str, **over: Any) -> Any:
    return msgspec.structs.replace(SAMPLES[name], user_id=JANE, **over)


async def follow(edge: Edge, on_chunk: Any) -> list[bytes]:
    """Every chunk that goes out; `on_chunk` is told how many have."""
    chunks: list[bytes] = []

    async def send(message: Any) -> None:
        if message.get("body"):
            chunks.append(message["body"])
        on_chunk(len(chunks))

    async def receive() -> Any:
        raise AssertionError("nobody asks")

    await TurnEvents(edge, await edge.turns.find(JANE, TURN_ID), None)(SCOPE, receive, send)
    return chunks


def kinds(chunks: list[bytes]) -> list[str]:
    return [chunk.decode().split("event: ")[1].split("\n")[0] for chunk in chunks if not chunk.startswith(b":")]


async def test_a_stream_waits_beats_and_hears_only_its_turn(edge: Edge, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sse, "_HEARTBEAT_SECONDS", 0.01)
    script = [
        own("AttemptStarted", turn_id="another"),
        own("AttemptStarted"),
        own("DeltaProduced", text=SafeText("a\nb")),
        own("TurnCancelled"),
    ]
    beaten = [False]

    def speak(chunks: int) -> None:
        if chunks and not beaten[0]:
            beaten[0] = True
            for event in script:
                edge.hub.take(event)

    chunks = await follow(edge, speak)
    assert chunks[0] == b": still here\n\n"
    assert kinds(chunks) == ["started", "delta", "cancelled"]
    assert json.loads(chunks[2].split(b"data: ")[1])["text"] == "a\nb"
    assert edge.bridge.wanted == []  # type: ignore[attr-defined]
    assert edge.hub._listeners == {}


async def test_what_comes_between_the_catching_up_and_the_first_byte_comes_once(edge: Edge):
    edge.hub.take(own("AttemptStarted"))
    edge.hub.take(own("DeltaProduced", text=SafeText("one ")))
    told = [False]

    def speak(_chunks: int) -> None:
        if not told[0]:
            told[0] = True
            edge.hub.take(own("DeltaProduced", seq=1, text=SafeText("two")))
            edge.hub.take(own("TurnCancelled"))

    chunks = await follow(edge, speak)
    assert kinds(chunks) == ["started", "snapshot", "delta", "cancelled"]
    assert b'"text":"one "' in chunks[1]


async def test_a_reader_that_is_given_up_is_told_the_code_and_ends(edge: Edge):
    edge.hub.take(own("AttemptStarted"))

    def flood(chunks: int) -> None:
        if chunks == 1:
            edge.hub.take(own("DeltaProduced", text=SafeText("x" * 2_000_000)))

    chunks = await follow(edge, flood)
    assert kinds(chunks)[-1] == "error"
    assert json.loads(chunks[-1].split(b"data: ")[1])["code"] == "slow_reader"


async def test_a_turn_that_ended_elsewhere_is_read_up_before_anybody_waits_for_it(edge: Edge):
    edge.turns.reading.behind = lambda: edge.turns.history.record([own("TurnFinished")])  # type: ignore[attr-defined]
    assert kinds(await follow(edge, lambda _: None)) == ["snapshot", "completed"]


@pytest.mark.parametrize("part", ["bridge", "reading"])
async def test_without_the_log_nothing_begins_and_nothing_stays(edge: Edge, part: str):
    turn = await edge.turns.find(JANE, TURN_ID)
    (edge.bridge if part == "bridge" else edge.turns.reading).away = True  # type: ignore[union-attr]
    with pytest.raises(Refused, match="log_unavailable"):
        await TurnEvents(edge, turn, None)(SCOPE, None, None)  # type: ignore[arg-type]
    assert edge.bridge.wanted == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("moments", range(5))
async def test_whoever_hangs_up_at_the_moment_of_a_frame_has_hung_up(moments: int):
    """Waiting with `asyncio.wait_for` swallowed this before Python 3.12: the answer went on for nobody."""
    outbox = Outbox(10_000)

    async def read() -> list[object]:
        return [frame async for frame in sse.turn_frames([], outbox, TURN_ID)]

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    outbox.put(Delta(TURN_ID, 1, 0, 0, "word"))
    for _ in range(moments):
        await asyncio.sleep(0)
    reading.cancel()
    done, _ = await asyncio.wait({reading}, timeout=5)
    assert done
    assert reading.cancelled()
