"""Bills keep nobody waiting, and no slot is kept by who has left."""

import asyncio
from dataclasses import dataclass, field

import msgspec
import pytest

from agents.failures import FailureKind
from agents.means import Slots
from agents.ports import Ended, ModelFailed
from agents.stop_signal import StopSignal
from sluice.bots import Limits
from sluice.errors import Unavailable
from sluice.events import AttemptMetered, AttemptStarted, DeltaProduced, Sampling, TurnCompleted, TurnFinished, Usage
from tests.doubles import NOON, EventList, ModelsByName, ended, said
from tests.unit.agents.turns import CUT, HALF, READY, TEMPLATE, all_of, bot, read, route, rows, run, step
from tests.waiting import meanwhile

BILL = Usage(prompt_tokens=40, completion_tokens=2, estimated=False)
ASKED = "http://provider/generation?id={request_id}"


@dataclass
class SlowBills(ModelsByName):
    """A provider that thinks about its bills until it is let."""

    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def billed(self, route, attempt_id, call_id):
        await self.let.wait()
        return BILL


async def test_the_next_model_answers_while_the_bill_of_the_first_is_asked_for():
    models = SlowBills({"one": [[*said("a"), CUT]], "two": [[*said("Hi"), ended(5, 7)]]})
    log = EventList()
    turn = asyncio.create_task(
        step(models)(READY, bot(route("one", usage_url=ASKED), route("two")), TEMPLATE, StopSignal(), NOON, log)
    )
    await meanwhile(lambda: "Hi" in [delta.text for delta in all_of(log, DeltaProduced)])
    assert rows(log) in ([], [("two", "completed", "")])
    models.let.set()
    await turn
    assert sorted(rows(log)) == [("one", "failed", "cut"), ("two", "completed", "")]
    finished = all_of(log, TurnFinished)[0]
    assert (finished.usage.prompt_tokens, finished.model) == (45, "two")
    assert log.names().index("TurnFinished") > max(n for n, name in enumerate(log.names()) if name == "AttemptMetered")


async def test_a_bill_that_cannot_be_written_ends_the_turn():
    class Full(EventList):
        async def emit(self, event):
            if isinstance(event, AttemptMetered):
                raise Unavailable("kafka: full")
            await super().emit(event)

    models = SlowBills({"one": [[*said("a"), CUT]], "two": [[*said("Hi"), ended()]]})
    models.let.set()
    with pytest.raises(Unavailable):
        await step(models)(
            READY, bot(route("one", usage_url=ASKED), route("two")), TEMPLATE, StopSignal(), NOON, Full()
        )


async def test_a_turn_that_is_cancelled_while_it_hangs_up_gives_its_slot_back():
    class Reluctant(ModelsByName):
        async def stream(self, route, prompt):
            try:
                async for part in super().stream(route, prompt):
                    yield part
            finally:
                await asyncio.sleep(0.05)

    slots, stop = Slots(), StopSignal()
    models = Reluctant({"one": [[*said("a "), None]]})
    one = bot(route("one", concurrency=1))
    turn = asyncio.create_task(step(models, slots=slots)(READY, one, TEMPLATE, stop, NOON, log := EventList()))
    await meanwhile(lambda: all_of(log, DeltaProduced))
    stop.give()
    await asyncio.sleep(0.01)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert not slots.of(route("one", concurrency=1)).locked()


async def test_a_call_beside_that_waits_for_its_slot_follows_one_that_failed():
    slots, log = Slots(), EventList()
    taken = slots.of(route("two", concurrency=1))
    await taken.acquire()

    class LateFailure(ModelsByName):
        async def stream(self, route, prompt):
            if route.model == "one":
                await asyncio.sleep(0.05)
                raise ModelFailed(FailureKind.SERVER_ERROR)
            yield said("Hi")[0]
            yield ended()

    asked = bot(route("one"), route("two", concurrency=1), hedge_seconds=0.01, limits=Limits(first_token_seconds=5))
    asyncio.get_running_loop().call_later(0.1, taken.release)
    await step(LateFailure({}), slots=slots)(READY, asked, TEMPLATE, StopSignal(), NOON, log)
    assert read(log).text == "Hi"
    assert [started.hedge for started in all_of(log, AttemptStarted)] == [False, False]
    assert all_of(log, TurnCompleted)


@pytest.mark.parametrize(("asked", "left"), [(None, 100 - 6), (20, 20 - 6), (6, 1), (3, 1)])
async def test_who_goes_on_may_say_what_is_left(asked, left):
    sampling = None if asked is None else Sampling(max_tokens=asked, stop=())
    ready = msgspec.structs.replace(READY, sampling=sampling)
    models = ModelsByName({"one": [[*said(HALF), CUT]], "two": [[*said("goes on"), ended()]]})
    two = bot(route("one"), route("two", prefill=True), limits=Limits(output_tokens=100))
    await run(models, two, ready=ready)
    assert [prompt.output_tokens for _, prompt in models.prompts] == [100, left]


@pytest.mark.parametrize(("word", "plain"), [("end_turn", "stop"), ("MAX_TOKENS", "length"), ("stop", "stop")])
async def test_an_end_has_one_name(word, plain):
    models = ModelsByName({"one": [[*said("Hi"), Ended(word, BILL, None)]]})
    emitted = await run(models, bot(route("one")))
    assert all_of(emitted, TurnCompleted)[0].finish_reason == plain
