"""A cheap model sums up what does not fit: an attempt with a bill, whatever becomes of it."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from agents.breaker import Breakers
from agents.failures import FailureKind
from agents.ports import Ended, ModelFailed
from agents.stop_signal import StopSignal
from sluice.bots import Limits, Retry
from sluice.events import AttemptMetered, AttemptStarted, TurnCancelled, TurnCompleted, TurnFailed, TurnFinished, Usage
from tests.doubles import NOON, EventList, ModelsByName, ended, said
from tests.unit.agents.turns import CUT, READY, TEMPLATE, all_of, bot, route, rows, run, step, talk

SMALL = Limits(context_tokens=80, first_token_seconds=0.2)
OVERLOADED = ModelFailed(FailureKind.OVERLOADED)


@pytest.mark.parametrize(
    ("script", "summary", "row"),
    [
        ([*said("They ", "counted."), ended(4, 2)], "They counted.", ("completed", "", 2)),
        ([*said("They"), type(ended())("stop", None, None)], "They", ("completed", "", 1)),
        ([OVERLOADED], "", ("failed", "overloaded", 0)),
        ([*said("Th"), None], "", ("failed", "first_token_timeout", 1)),
        ([], "", ("failed", "no_end_mark", 0)),
    ],
)
async def test_a_cheap_model_may_sum_up_what_does_not_fit(script, summary, row):
    models = ModelsByName({"cheap": [script], "one": [[CUT], [*said("Hi"), ended()]]})
    small = Limits(context_tokens=80, first_token_seconds=0.2)
    asked = bot(route("one"), limits=small, summary=route("cheap"), retry=Retry(per_model=1))
    emitted = await run(models, asked, ready=talk(4, 10))
    (bill,) = [r for r in all_of(emitted, AttemptMetered) if r.purpose == "summary"]
    assert (bill.outcome, bill.failure, bill.usage.completion_tokens) == row
    starts = all_of(emitted, AttemptStarted)
    assert [s.hedge for s in starts] == [True, False, False]
    assert {s.summary for s in starts[1:]} == {summary}
    assert any(summary in m.content for m in models.prompts[1][1].messages if m.role == "system")
    assert len(models.prompts[0][1].messages) == 2 + 2 * starts[1].dropped_turns
    finished = all_of(emitted, TurnFinished)[0]
    assert (finished.answer, finished.usage.completion_tokens >= row[2]) == ("Hi", True)


def summed_up(**more):
    fields = {"limits": SMALL, "summary": route("cheap")} | more
    return bot(route("one"), **fields)


async def test_a_stop_is_obeyed_while_it_sums_up():
    models, stop = ModelsByName({"cheap": [[*said("Th"), None]]}), StopSignal()
    asyncio.get_running_loop().call_later(0.02, stop.give)
    patient = summed_up(limits=Limits(context_tokens=80, first_token_seconds=30))
    emitted = await run(models, patient, ready=talk(4, 10), stop=stop)
    assert rows(emitted) == [("cheap", "cancelled", "")]
    assert [started.model for started in all_of(emitted, AttemptStarted)] == ["cheap"]
    assert all_of(emitted, TurnCancelled)
    assert models.running == 0


async def test_the_budget_of_the_turn_is_its_too():
    ready = msgspec.structs.replace(talk(4, 10), deadline_at=NOON + timedelta(seconds=0.1))
    models = ModelsByName({"cheap": [[None]]})
    patient = summed_up(limits=Limits(context_tokens=80, first_token_seconds=30))
    emitted = await run(models, patient, ready=ready)
    assert rows(emitted) == [("cheap", "cancelled", "")]
    assert all_of(emitted, TurnFailed)


async def test_a_model_that_rests_sums_nothing_up():
    breakers = Breakers()
    for _ in range(4):
        breakers.failed(("cheap", "", ""), asyncio.get_running_loop().time(), FailureKind.OVERLOADED)
    emitted = await run(
        ModelsByName({"one": [[*said("Hi"), ended()]]}), summed_up(), ready=talk(4, 10), breakers=breakers
    )
    assert rows(emitted) == [("cheap", "failed", "overloaded"), ("one", "completed", "")]


async def test_its_failures_open_its_breaker_and_its_answers_close_it():
    breakers = Breakers()
    scripts = {"cheap": [[ModelFailed(FailureKind.OVERLOADED)]] * 4, "one": [[*said("Hi"), ended()]] * 4}
    models = ModelsByName({name: [list(script) for script in some] for name, some in scripts.items()})
    for _ in range(4):
        await run(models, summed_up(), ready=talk(4, 10), breakers=breakers)
    assert breakers.of(("cheap", "", "")).state == "open"


async def test_a_filter_that_ends_it_is_no_summary():
    models = ModelsByName(
        {"cheap": [[*said("Th"), Ended("content_filter", None, None)]], "one": [[*said("Hi"), ended()]]}
    )
    emitted = await run(models, summed_up(), ready=talk(4, 10))
    assert rows(emitted)[0] == ("cheap", "failed", "no_end_mark")
    assert all_of(emitted, AttemptStarted)[1].summary == ""


async def test_who_waits_for_its_slot_in_vain_is_not_billed():
    models = ModelsByName({"cheap": [[None]], "one": [[*said("Hi"), ended()]]})
    respond = step(models)
    first, second = EventList(), EventList()
    patient = summed_up(summary=route("cheap", concurrency=1), limits=Limits(context_tokens=80, first_token_seconds=30))
    holds = asyncio.create_task(respond(talk(4, 10), patient, TEMPLATE, StopSignal(), NOON, first))
    await asyncio.sleep(0.01)
    hasty = patient.model_copy(update={"limits": SMALL})
    await respond(talk(4, 10), hasty, TEMPLATE, StopSignal(), NOON, second)
    assert rows(second) == [("cheap", "failed", "no_slot"), ("one", "completed", "")]
    assert all_of(second, AttemptMetered)[0].usage == Usage(prompt_tokens=0, completion_tokens=0, estimated=False)
    holds.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holds
    assert models.running == 0


async def test_a_call_beside_waits_for_no_summary():
    models = ModelsByName({"cheap": [[*said("Short."), ended()]], "one": [[None]], "two": [[*said("Hi"), ended()]]})
    other = route("two", limits={"context_tokens": 60})
    hedged = bot(route("one"), other, limits=SMALL, summary=route("cheap"), hedge_seconds=0.02)
    emitted = await run(models, hedged, ready=talk(4, 10))
    assert [model for model, _ in models.prompts] == ["cheap", "one", "two"]
    assert all_of(emitted, TurnCompleted)
    assert READY.turn_id == all_of(emitted, TurnFinished)[0].turn_id
