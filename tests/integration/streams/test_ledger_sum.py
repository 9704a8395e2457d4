"""Whatever ends a call, wherever it ends: what the ledger says is what the provider's own meter says, to the token."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from agents.ports import Earlier, Look
from agents.stop_signal import StopSignal
from local.provider.answers import tokens_of
from sluice.events import AttemptMetered, DeltaProduced, Event, ReplyEvent, TurnFinished
from sluice.failpoints import FAILPOINTS
from sluice.replies import reply_of
from tests.doubles import EventList
from tests.integration.streams.conftest import TEXT, World, all_of, transcript

pytestmark = pytest.mark.filterwarnings("ignore")  # litellm's own
TOKENS = len(tokens_of(TEXT))
AT_ONCE = 8
SLOWLY = 0.01
POINTS = [point for point in FAILPOINTS if point.startswith("respond.") and point != "respond.before_commit"]


class Dead(Exception):
    """The worker is no more."""


@dataclass
class Watched(EventList):
    """A log that calls back with each event, before it has it."""

    before: Callable[["Watched", Event], None] = lambda _log, _event: None

    async def emit(self, event: Event) -> None:
        self.before(self, event)
        await super().emit(event)


def looking_at(log: EventList) -> Look:
    """What a successor reads."""

    async def look() -> Earlier:
        return earlier(log)

    return look


def earlier(log: EventList) -> Earlier:
    replies = [event for event in log.events if isinstance(event, ReplyEvent)]
    reply = reply_of(replies[0]) if replies else None
    for event in replies:
        assert reply is not None
        reply.apply(event)
    metered = frozenset(row.attempt_id for row in all_of(log, AttemptMetered))
    return Earlier(reply, next(iter(all_of(log, TurnFinished)), None), metered, stopped=False)


async def test_a_stop_at_every_token(world: World):
    route = await world.script("slow", token_seconds=SLOWLY)
    turns = asyncio.Semaphore(AT_ONCE)

    async def stopped_after(count: int) -> EventList:
        stop = StopSignal()

        def give(log: EventList, _event: Event) -> None:
            if len(all_of(log, DeltaProduced)) == count:
                stop.give()

        log = Watched(before=give)
        async with turns:
            await world.work(world.ready(turn_id=f"stop-{count}"), [route], log, stop)
        return log

    logs = await asyncio.gather(*(stopped_after(count) for count in range(TOKENS + 1)))
    assert len({transcript(log)[0] for log in logs}) > TOKENS // 2
    world.check_ledger(*logs)


async def test_a_worker_that_dies_before_every_event(world: World):
    """Its successor finds what is on the log, and nothing more."""
    route = await world.script("slow", token_seconds=SLOWLY)
    turns = asyncio.Semaphore(AT_ONCE)
    whole = await world.answer(route)

    async def died_before(place: int) -> EventList:
        def die(log: EventList, _event: Event) -> None:
            if len(log.events) == place:
                raise Dead

        log = Watched(before=die)
        ready = world.ready(turn_id=f"death-{place}")
        async with turns:
            with pytest.raises(Dead):
                await world.work(ready, [route], log)
            log.before = lambda _log, _event: None
            await world.work(ready, [route], log, look=looking_at(log))
        return log

    logs = await asyncio.gather(*(died_before(place) for place in range(len(whole.events))))
    assert {transcript(log)[0] for log in logs} == {TEXT}
    assert len(world.provider.meter.calls) > len(logs)
    world.check_ledger(whole, *logs)


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_dies_between_two_events(world: World, point: str):
    """Between the announcement and the call, for one: nobody was asked, and nothing is to be paid."""
    route = await world.script("quick")

    def die(reached: str) -> None:
        if reached == point:
            raise Dead

    log, ready = Watched(), world.ready()
    with pytest.raises(Dead):
        await world.work(ready, [route], log, reach=die)
    await world.work(ready, [route], log, look=looking_at(log))
    assert transcript(log)[0] == TEXT
    world.check_ledger(log)
