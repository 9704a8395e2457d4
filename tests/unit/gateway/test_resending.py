"""The same message again, on this gateway or another: the same turn, no second answer, and the answer there is."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from gateway import event_log as module
from gateway.connection import Connection
from gateway.documents import WHOLE_SEQ
from gateway.edge import Edge
from gateway.frames import (
    Accepted,
    Cancelled,
    Completed,
    Delta,
    ErrorFrame,
    MessageSend,
    Snapshot,
    Started,
)
from sluice import events as e
from sluice.errors import Refused, Unavailable
from sluice.failpoints import Failpoints
from sluice.ids import turn_id_for
from sluice.safe_text import SafeText
from tests.samples import SAMPLES
from tests.unit.gateway.doubles import CODEC, SEND, connect, say

MESSAGE = MessageSend("m-1", "s-1", "hello", "assistant")


def of_turn(jane: Connection, name: str, **over):
    turn_id = turn_id_for(jane.person.user_id, "s-1", "m-1")
    return msgspec.structs.replace(SAMPLES[name], user_id=jane.person.user_id, turn_id=turn_id, **over)


def requests(edge: Edge) -> list[e.ChatRequested]:
    found = [CODEC.decode(value) for _, _, value, _ in edge.turns.log.producer.records]  # type: ignore[attr-defined]
    return [event for event in found if isinstance(event, e.ChatRequested)]


async def test_a_turn_of_long_ago_comes_with_its_outcome(edge: Edge, jane: Connection):
    edge.turns.history.record([of_turn(jane, "ChatRequested"), of_turn(jane, "TurnFinished")])
    accepted, snapshot, completed = await say(jane, **SEND)
    assert isinstance(accepted, Accepted)
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.text, snapshot.seq) == ("Hello again", WHOLE_SEQ)
    assert isinstance(completed, Completed)
    assert requests(edge) == []


async def test_a_turn_that_ended_a_moment_ago_comes_from_the_hub(edge: Edge, jane: Connection):
    for name in ("AttemptStarted", "DeltaProduced", "TurnCancelled"):
        edge.hub.take(of_turn(jane, name))
    kinds = [type(frame) for frame in await say(jane, **SEND)]
    assert kinds == [Accepted, Started, Snapshot, Cancelled]
    assert requests(edge) == []


async def test_a_running_turn_is_a_snapshot_and_then_its_tail(edge: Edge, jane: Connection):
    edge.hub.take(of_turn(jane, "AttemptStarted"))
    edge.hub.take(of_turn(jane, "DeltaProduced", text=SafeText("one ")))
    kinds = [type(frame) for frame in await say(jane, **SEND)]
    assert kinds == [Accepted, Started, Snapshot]
    edge.hub.take(of_turn(jane, "DeltaProduced", seq=1, text=SafeText("two")))
    (tail,) = await jane.outbox.take()
    assert tail == Delta(of_turn(jane, "DeltaProduced").turn_id, 1, 1, 1, "two")


async def test_on_a_gateway_that_knows_neither_the_log_has_the_same_turn_twice(edge: Edge, jane: Connection):
    (first,) = await say(jane, **SEND)
    await asyncio.sleep(0)
    edge.turns.history._db.execute("delete from turns")
    edge.turns.history._db.execute("delete from sessions")
    (second,) = await say(connect(edge), **SEND)
    assert first == second
    one, other = requests(edge)
    assert (one.turn_id, one.event_id) == (other.turn_id, other.event_id)


async def test_a_new_message_is_only_accepted(jane: Connection):
    assert [type(frame) for frame in await say(jane, **SEND)] == [Accepted]


class SlowLog:
    """Takes records and says nothing, until told."""

    def __init__(self) -> None:
        self.reports: list[asyncio.Future[None]] = []
        self.asked = asyncio.Event()

    async def put(self, topic, key, value, headers):
        self.reports.append(asyncio.get_running_loop().create_future())
        self.asked.set()
        return self.reports[-1]


async def test_who_was_refused_for_want_of_time_and_resends_waits_for_the_same_record(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
):
    log = SlowLog()
    edge.turns.log.producer = log  # type: ignore[assignment]
    monkeypatch.setattr(module, "_ACKNOWLEDGE_SECONDS", 0.0)
    with pytest.raises(Refused, match="log_unavailable"):
        await edge.turns.accept("usr_1", MESSAGE)
    monkeypatch.setattr(module, "_ACKNOWLEDGE_SECONDS", 5.0)
    again = asyncio.create_task(edge.turns.accept("usr_1", MESSAGE))
    await asyncio.sleep(0)
    assert not again.done()
    (report,) = log.reports
    report.set_result(None)
    assert await again == turn_id_for("usr_1", "s-1", "m-1")


async def test_a_late_failure_that_nobody_waits_for_is_silent_and_the_resend_is_written_anew(edge: Edge):
    log = SlowLog()
    edge.turns.log.producer = log  # type: ignore[assignment]
    waiting = asyncio.create_task(edge.turns.accept("usr_1", MESSAGE))
    await log.asked.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    log.reports[0].set_exception(Unavailable("timed out"))
    await asyncio.sleep(0)
    assert edge.turns.log.pending == {}
    log.asked.clear()
    again = asyncio.create_task(edge.turns.accept("usr_1", MESSAGE))
    await log.asked.wait()
    log.reports[1].set_result(None)
    assert await again


async def test_no_more_than_a_bounded_number_wait_for_the_log(edge: Edge, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_MOST_PENDING", 1)
    log = SlowLog()
    edge.turns.log.producer = log  # type: ignore[assignment]
    waiting = asyncio.create_task(edge.turns.accept("usr_1", MESSAGE))
    await log.asked.wait()
    with pytest.raises(Refused, match="log_unavailable"):
        await edge.turns.accept("usr_1", MessageSend("m-2", "s-1", "hello", "assistant"))
    log.reports[0].set_result(None)
    await waiting


async def test_a_gateway_that_has_not_read_the_log_accepts_nothing(edge: Edge, jane: Connection):
    edge.turns.reading.away = True  # type: ignore[attr-defined]
    (refused,) = await say(jane, **SEND)
    assert isinstance(refused, ErrorFrame)
    assert (refused.code, refused.retryable) == ("log_unavailable", True)


async def test_who_is_told_to_go_finishes_what_was_begun_and_begins_nothing(edge: Edge):
    log = SlowLog()
    edge.turns.log.producer = log  # type: ignore[assignment]
    begun = asyncio.create_task(edge.turns.accept("usr_1", MESSAGE))
    await log.asked.wait()
    finishing = asyncio.create_task(edge.turns.finish())
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="shutting_down") as refused:
        await edge.turns.accept("usr_1", MESSAGE)
    assert refused.value.code.kind.retryable
    assert not finishing.done()
    log.reports[0].set_result(None)
    assert await begun
    await finishing
    await edge.turns.finish()


@pytest.mark.parametrize(("point", "records"), [("gateway.before_produce", 0), ("gateway.accepted_not_told", 1)])
async def test_the_places_where_a_fault_test_strikes(edge: Edge, tmp_path: Path, point: str, records: int):
    def die() -> None:
        raise KeyboardInterrupt

    edge.turns.failpoints = Failpoints(tmp_path, die)
    (tmp_path / point).touch()
    with pytest.raises(KeyboardInterrupt):
        await edge.turns.accept("usr_1", MESSAGE)
    assert len(requests(edge)) == records
    assert edge.turns.history.turn(turn_id_for("usr_1", "s-1", "m-1")) is None
    assert await edge.turns.accept("usr_1", MESSAGE) == requests(edge)[-1].turn_id
