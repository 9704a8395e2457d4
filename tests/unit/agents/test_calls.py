"""What reaches the log when models fail over, run beside each other, wait for a slot or are stopped."""

import asyncio

import msgspec
import pytest

from agents.breaker import Breakers
from agents.failures import FailureKind
from agents.means import Slots
from agents.ports import Earlier, ModelFailed, Said
from agents.prompting import as_json, fingerprint
from agents.stop_signal import StopSignal
from sluice.bots import Limits, Retry
from sluice.events import (
    AttemptMetered,
    AttemptReset,
    AttemptStarted,
    ContextMessage,
    DeltaProduced,
    Sampling,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnFinished,
    Usage,
)
from sluice.replies import reply_of
from sluice.safe_text import SafeText
from tests.doubles import NOON, EventList, ModelsByName, ended, said
from tests.samples import TURN
from tests.unit.agents.turns import CUT, HALF, LIMITED, READY, TEMPLATE, all_of, bot, read, route, rows, run, step, talk


async def test_the_next_model_goes_on_and_readers_see_one_text():
    models = ModelsByName({"one": [[*said(HALF), CUT]], "two": [[*said(" goes", " on"), ended()]]})
    emitted = await run(models, bot(route("one"), route("two", prefill=True)))
    assert read(emitted).text == HALF + "goes on"
    first, second = all_of(emitted, AttemptStarted)
    assert (second.continues, second.prefilled, second.attempt) == (first.attempt_id, len(HALF) - 1, 2)
    assert [message.role for message in models.prompts[1][1].messages] == ["system", "user", "assistant"]
    assert models.prompts[1][1].messages[-1].content == HALF.rstrip()
    assert all_of(emitted, AttemptReset) == []
    assert rows(emitted) == [("one", "failed", "cut"), ("two", "completed", "")]
    finished = all_of(emitted, TurnFinished)[0]
    assert (finished.answer, finished.model, finished.attempts) == (HALF + "goes on", "two", 2)
    assert second.prompt_hash == fingerprint(models.prompts[1][1].messages)


async def test_the_sum_of_all_attempts_is_what_the_turn_cost():
    models = ModelsByName({"one": [[*said("a b c"), CUT]], "two": [[*said("d"), ended(5, 7)]]})
    emitted = await run(models, bot(route("one"), route("two")))
    finished, bills = all_of(emitted, TurnFinished)[0], all_of(emitted, AttemptMetered)
    assert finished.usage.completion_tokens == 3 + 7 == sum(bill.usage.completion_tokens for bill in bills)
    assert finished.usage.estimated
    (reset,) = all_of(emitted, AttemptReset)
    assert (reset.reason, reset.attempt) == ("cut", 1)
    assert read(emitted).text == "d" == finished.answer


async def test_the_provider_is_asked_for_a_bill_it_did_not_send():
    bill = Usage(prompt_tokens=40, completion_tokens=2, estimated=False)
    models = ModelsByName({"one": [[*said("a b c"), CUT]]}, {"a-2": bill})
    emitted = await run(models, bot(route("one")))
    assert all_of(emitted, AttemptMetered)[0].usage == bill


async def test_tokens_told_with_each_piece_survive_a_cut():
    told = Usage(prompt_tokens=9, completion_tokens=1, estimated=False)
    models = ModelsByName({"one": [[Said(SafeText("a"), told, "call-7"), CUT]]})
    (row,) = all_of(await run(models, bot(route("one"))), AttemptMetered)
    assert (row.usage, row.provider_call_id) == (told, "call-7")


async def test_the_fallback_text_is_marked():
    models = ModelsByName({"one": [[*said("Half"), CUT]]})
    emitted = await run(models, bot(route("one"), fallback_text="Please come back later."))
    reply, done = read(emitted), all_of(emitted, TurnCompleted)[0]
    assert (reply.text, reply.terminal) == ("Please come back later.", done)
    assert (done.fallback, done.model, done.finish_reason, done.deltas) == (True, "fallback", "fallback", 1)
    assert rows(emitted) == [("one", "failed", "cut"), ("fallback", "abandoned", "")]
    assert all_of(emitted, TurnFinished)[0].fallback


async def test_the_fallback_text_when_nobody_could_be_asked():
    breakers = Breakers()
    loop = asyncio.get_running_loop()
    for _ in range(4):
        breakers.failed(("one", "", ""), loop.time(), FailureKind.UNREACHABLE)
    asked = bot(route("one"), fallback_text="Sorry.")
    assert read(await run(ModelsByName({}), asked, breakers=breakers)).text == "Sorry."
    emitted = await run(ModelsByName({}), bot(route("one")), breakers=breakers)
    assert emitted.names() == ["TurnFinished", "TurnFailed", "StageTimed"]
    assert all_of(emitted, TurnFailed)[0].code == "model_unavailable"


async def test_a_second_call_beside_a_late_first_one():
    models = ModelsByName({"one": [[None]], "two": [[*said("Me"), ended()]]})
    failures: list[tuple[str, str]] = []
    emitted = await run(
        models,
        bot(route("one"), route("two"), hedge_seconds=0.02),
        failed=lambda model, kind: failures.append((model, kind)),
    )
    assert [(s.model, s.hedge) for s in all_of(emitted, AttemptStarted)] == [
        ("one", False),
        ("two", True),
        ("two", False),
    ]
    assert rows(emitted) == [("one", "cancelled", "outbid"), ("two", "completed", "")]
    assert (read(emitted).text, all_of(emitted, TurnFinished)[0].model) == ("Me", "two")
    assert len({event.event_id for event in emitted.events}) == len(emitted.events)
    assert (models.running, failures) == (0, [])


async def test_a_model_gets_no_more_calls_at_once_than_it_may():
    models = ModelsByName({"one": [[*said("Hi"), ended()] for _ in range(6)]})
    respond, one = step(models), bot(route("one", concurrency=2))
    logs = [EventList() for _ in range(6)]
    await asyncio.gather(*(respond(READY, one, TEMPLATE, StopSignal(), NOON, log) for log in logs))
    assert models.most_running == 2
    assert {read(log).text for log in logs} == {"Hi"}


async def test_who_waits_for_a_slot_in_vain_is_not_billed():
    models = ModelsByName({"one": [[None], [*said("never"), ended()]]})
    respond = step(models)
    one = bot(route("one", concurrency=1), limits=Limits(first_token_seconds=0.05))
    slow, fast = EventList(), EventList()
    first = asyncio.create_task(respond(READY, bot(route("one", concurrency=1)), TEMPLATE, StopSignal(), NOON, slow))
    await asyncio.sleep(0)
    await respond(READY, one, TEMPLATE, StopSignal(), NOON, fast)
    assert fast.names() == ["TurnFinished", "TurnFailed", "StageTimed"]
    assert all_of(fast, TurnFailed)[0].code == "model_rate_limited"
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert models.running == 0


async def test_a_stop_while_it_waits_to_ask_again():
    models, stop = ModelsByName({"one": [[ModelFailed(FailureKind.OVERLOADED)]]}), StopSignal()
    asyncio.get_running_loop().call_later(0.02, stop.give)
    emitted = await run(models, bot(route("one"), retry=Retry(per_model=1)), stop=stop, chance=lambda: 1.0)
    assert all_of(emitted, TurnCancelled)


async def test_a_rate_limited_model_is_asked_again_in_time():
    models = ModelsByName({"one": [[LIMITED], [*said("Hi"), ended()]]})
    emitted = await run(models, bot(route("one"), retry=Retry(per_model=1)))
    assert rows(emitted) == [("one", "failed", "rate_limited"), ("one", "completed", "")]


async def test_a_bug_of_an_adapter_is_not_a_failure_of_the_model():
    models = ModelsByName({"one": [[ZeroDivisionError()]]})
    with pytest.raises(ZeroDivisionError):
        await run(models, bot(route("one")))
    assert models.running == 0


async def test_a_dead_workers_words_are_gone_on_with():
    begun = AttemptStarted(**TURN, attempt=1, model="one", attempt_id="dead", epoch=3)
    half = DeltaProduced(**TURN, attempt=1, seq=0, text=SafeText(HALF), attempt_id="dead")
    models = ModelsByName({"one": [[*said("goes on"), ended()]]})
    emitted = EventList()

    async def look() -> Earlier:
        reply = reply_of(begun)
        for event in (begun, half, *(e for e in emitted.events if isinstance(e, AttemptStarted))):
            reply.apply(event)
        return Earlier(reply, None, frozenset(), stopped=False)

    await step(models)(READY, bot(route("one", prefill=True)), TEMPLATE, StopSignal(), NOON, emitted, look)
    assert all_of(emitted, TurnFinished)[0].answer == HALF + "goes on"
    assert rows(emitted) == [("one", "abandoned", ""), ("one", "completed", "")]
    assert all_of(emitted, AttemptMetered)[0].usage.completion_tokens == 6


async def test_who_could_ask_nobody_says_again_what_a_dead_worker_left():
    begun = AttemptStarted(**TURN, attempt=1, model="one", attempt_id="dead", epoch=3)
    half = DeltaProduced(**TURN, attempt=1, seq=0, text=SafeText(HALF), attempt_id="dead")

    async def look() -> Earlier:
        reply = reply_of(begun)
        reply.apply(begun)
        reply.apply(half)
        return Earlier(reply, None, frozenset({"dead"}), stopped=False)

    breakers = Breakers()
    for _ in range(4):
        breakers.failed(("one", "", ""), asyncio.get_running_loop().time(), FailureKind.UNREACHABLE)
    emitted = await run(ModelsByName({}), bot(route("one")), look=look, breakers=breakers)
    assert emitted.names() == [
        "AttemptStarted",
        "DeltaProduced",
        "AttemptMetered",
        "TurnFinished",
        "TurnFailed",
        "StageTimed",
    ]
    assert all_of(emitted, TurnFinished)[0].answer == HALF


@pytest.mark.parametrize(("context", "kept"), [(8000, 4), (60, 2), (5, 0)])
async def test_the_oldest_turns_go_where_the_context_is_too_small(context: int, kept: int):
    models = ModelsByName({"one": [[*said("Hi"), ended()]]})
    small = Limits(context_tokens=context)
    emitted = await run(models, bot(route("one"), limits=small), ready=talk(4, 10))
    prompt = models.prompts[0][1]
    assert len(prompt.messages) == 2 + 2 * kept
    (started,) = all_of(emitted, AttemptStarted)
    assert started.dropped_turns == 4 - kept


async def test_a_context_that_is_too_long_after_all_is_halved():
    long = ModelFailed(FailureKind.CONTEXT_TOO_LONG)
    models = ModelsByName({"one": [[long], [*said("Hi"), ended()]]})
    emitted = await run(models, bot(route("one"), limits=Limits(context_tokens=90)), ready=talk(4, 10))
    assert [s.dropped_turns for s in all_of(emitted, AttemptStarted)] == [0, 3]
    assert rows(emitted)[0] == ("one", "failed", "context_too_long")


async def test_a_client_may_bring_its_own_context():
    own = (
        ContextMessage(role="system", content=SafeText("Rhyme.")),
        ContextMessage(role="assistant", content=SafeText("Hello!")),
        ContextMessage(role="user", content=SafeText("One?")),
        ContextMessage(role="assistant", content=SafeText("Two.")),
        ContextMessage(role="assistant", content=SafeText("Three.")),
    )
    sampling = Sampling(temperature=0.0, stop=())
    ready = msgspec.structs.replace(talk(1, 1), context=own, sampling=sampling)
    models = ModelsByName({"one": [[*said("Hi"), ended()]]})
    await run(models, bot(route("one")), ready=ready)
    prompt = models.prompts[0][1]
    assert [m.content for m in prompt.messages[:-1]] == ["Be brief.", "Rhyme.", "Hello!", "One?", "Two.", "Three."]
    assert (prompt.sampling, prompt.prefilled) == (sampling, False)
    assert as_json(prompt.messages[:1]) == b'[{"role":"system","content":"Be brief."}]'


async def test_a_model_that_does_not_stop_is_ended_by_its_total_time():
    models = ModelsByName({"one": [said(*["and ", "so "] * 200_000)]})
    limits = Limits(total_seconds=0.1)
    emitted = await run(models, bot(route("one"), limits=limits))
    assert rows(emitted) == [("one", "failed", "total_timeout")]
    assert models.running == 0


async def test_a_dead_workers_words_are_void_without_a_reset_of_our_own():
    """Who could not even begin has nothing to take back: its first start tells readers."""
    begun = AttemptStarted(**TURN, attempt=1, model="one", attempt_id="dead", epoch=3)
    half = DeltaProduced(**TURN, attempt=1, seq=0, text=SafeText(HALF), attempt_id="dead")

    async def look() -> Earlier:
        reply = reply_of(begun)
        reply.apply(begun)
        reply.apply(half)
        return Earlier(reply, None, frozenset({"dead"}), stopped=False)

    slots = Slots()
    await slots.of(route("one", concurrency=1)).acquire()
    limits = Limits(first_token_seconds=0.05)
    asked = bot(route("one", prefill=True, concurrency=1), limits=limits, fallback_text="Sorry.")
    emitted = await run(ModelsByName({}), asked, look=look, slots=slots)
    assert all_of(emitted, AttemptReset) == []
    assert [(s.model, s.attempt) for s in all_of(emitted, AttemptStarted)] == [("fallback", 2)]
    assert all_of(emitted, TurnFinished)[0].answer == "Sorry."


async def test_time_that_is_over_before_a_look_at_the_inbox():
    models = ModelsByName({"one": [[None]]})
    emitted = await run(models, bot(route("one"), limits=Limits(total_seconds=1e-9)))
    assert rows(emitted) == [("one", "failed", "total_timeout")]
