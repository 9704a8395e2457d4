"""The enrich stage forgets conversations by order, and lets other work go on meanwhile."""

import asyncio
from datetime import timedelta

import msgspec

from agents.enrich import requested
from sluice.events import ChatRequested, PersonErased, StateExpired
from streams.conversations import Conversations
from tests.doubles import NOON
from tests.samples import HEAD, SAMPLES
from tests.unit.streams.tables import FakeTable

REQUEST = SAMPLES["ChatRequested"]
assert isinstance(REQUEST, ChatRequested)


def fill(conversations: Conversations, sessions: int) -> None:
    for number in range(sessions):
        at = NOON + timedelta(days=number)
        request = msgspec.structs.replace(REQUEST, user_id=f"usr_{number % 2}", occurred_at=at)
        conversations.put(f"s-{number}", requested(None, request))


async def test_a_person_goes_and_others_stay():
    table = FakeTable()
    conversations = Conversations(table, 20)
    fill(conversations, 6)
    order = PersonErased(**HEAD, user_id="usr_1", erased_at=NOON + timedelta(days=3))
    assert await conversations.forget(order, table.partition) == 2
    assert sorted(table) == [b"s-0", b"s-2", b"s-4", b"s-5"]
    assert table.database.done == ["flush", "compact"]
    assert await conversations.forget(order, table.partition) == 0
    assert table.database.done == ["flush", "compact"]


async def test_what_nobody_touched_goes():
    table = FakeTable()
    conversations = Conversations(table, 20)
    fill(conversations, 3)
    assert await conversations.forget(StateExpired(**HEAD, before=NOON + timedelta(days=2)), table.partition) == 2
    assert list(table) == [b"s-2"]


async def test_the_newest_event_counts():
    newer = msgspec.structs.replace(REQUEST, turn_id="t-2", occurred_at=NOON + timedelta(days=1))
    older = msgspec.structs.replace(REQUEST, turn_id="t-3", occurred_at=NOON)
    assert requested(requested(None, newer), older).touched_at == newer.occurred_at


async def test_a_long_table_does_not_hold_the_loop():
    table = FakeTable()
    conversations = Conversations(table, 20)
    fill(conversations, 1000)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    await conversations.forget(StateExpired(**HEAD, before=NOON), table.partition)
    task.cancel()
    assert turns >= 4
