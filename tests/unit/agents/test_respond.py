import asyncio
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from agents.account import NOTHING
from agents.failures import FailureKind
from agents.means import Means
from agents.ports import Earlier, ModelFailed
from agents.respond import Respond
from agents.stop_signal import StopSignal
from sluice.bots import Bot, Limits, Price, Retry, Route, Template
from sluice.errors import ErrorCode
from sluice.events import (
    AttemptMetered,
    AttemptStarted,
    DeltaProduced,
    Exchange,
    PromptReady,
    Refusal,
    StageTimed,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnFinished,
    Usage,
)
from sluice.replies import reply_of
from sluice.safe_text import SafeText
from tests.doubles import NOON, EventList, ManualClock, ModelsByName, ScriptedModel, TablePrices, counting, ended, said
from tests.samples import SAMPLES, TURN

SAMPLE = SAMPLES["PromptReady"]
assert isinstance(SAMPLE, PromptReady)
READY = msgspec.structs.replace(SAMPLE, refusal=None, context=None, sampling=None)
PRICE = Price(prompt_per_million_usd=Decimal(1), completion_per_million_usd=Decimal(2))
BOT = Bot(
    name="assistant",
    description="help",
    template="assistant@1",
    route=(Route(model="openai/echo", price=PRICE),),
    retry=Retry(per_model=0),
)
TEMPLATE = Template(id="assistant@1", hash="aa", source="You are {{ bot }}: {{ description }}.\n")


def respond(model, clock, epoch=7, **more) -> Respond:
    return Respond(Means(model, TablePrices(), clock, counting(), lambda: epoch, lambda: 0.0, **more))


async def run(script, *, ready=READY, bot=BOT, pause=None, stop=None, clock=None, look=None, epoch=7):
    emitted = EventList()
    model = ScriptedModel(script, pause)
    clock = clock or ManualClock(NOON, timedelta(milliseconds=1))
    step = respond(model, clock, epoch)
    await step(ready, bot, TEMPLATE if bot else None, stop or StopSignal(), NOON, emitted, look)
    return emitted, model


def one(emitted: EventList, kind: type):
    found = [event for event in emitted.events if isinstance(event, kind)]
    assert len(found) == 1, emitted.names()
    return found[0]


async def test_a_whole_answer_in_order():
    emitted, model = await run([*said("Hello", " you"), ended()], pause=0.0)
    assert emitted.names() == [
        "AttemptStarted",
        "DeltaProduced",
        "DeltaProduced",
        "AttemptMetered",
        "TurnFinished",
        "TurnCompleted",
        "StageTimed",
    ]
    deltas = [event for event in emitted.events if isinstance(event, DeltaProduced)]
    assert [(d.attempt, d.seq, d.text) for d in deltas] == [(1, 0, "Hello "), (1, 1, "you")]
    assert one(emitted, TurnFinished).answer == "Hello you"
    assert model.hung_up


async def test_words_that_wait_behind_each_other_are_one_delta():
    emitted, _ = await run([*said(*"abc" * 20), ended()])
    deltas = [event for event in emitted.events if isinstance(event, DeltaProduced)]
    assert len(deltas) < 10
    assert [delta.seq for delta in deltas] == list(range(len(deltas)))
    assert "".join(delta.text for delta in deltas) == "abc" * 20 == one(emitted, TurnFinished).answer


async def test_the_ledger_row_has_the_tokens_of_the_provider_and_their_price():
    emitted, _ = await run([*said("Hi"), ended(prompt_tokens=1000, completion_tokens=500)])
    row = one(emitted, AttemptMetered)
    assert (row.usage.prompt_tokens, row.usage.completion_tokens, row.usage.estimated) == (1000, 500, False)
    assert row.cost_usd == Decimal("0.0020000000") == one(emitted, TurnCompleted).cost_usd
    assert (row.price_version, row.outcome, row.provider_call_id) == ("route", "completed", "call-1")
    assert row.first_token_ms is not None


async def test_missing_usage_is_counted_and_marked():
    final = ended()
    emitted, _ = await run([*said("one two three"), type(final)("stop", None, None)])
    assert one(emitted, AttemptMetered).usage.estimated
    assert one(emitted, TurnCompleted).usage.completion_tokens == 3


async def test_every_event_of_a_pass_has_its_own_id_and_names_the_attempt():
    emitted, model = await run([*said("Hi"), ended()])
    assert len({e.event_id for e in emitted.events}) == len(emitted.events)
    assert {getattr(e, "attempt_id", "a-2") for e in emitted.events} == {"a-2"}
    assert {getattr(e, "epoch", 7) for e in emitted.events} == {7}
    assert model.prompts[0].attempt_id == "a-2"


async def test_the_start_and_the_bill_are_on_the_log_before_the_call_and_the_end():
    emitted, _ = await run([*said("Hi"), ended()])
    assert [emitted.names()[:count][-1] for count in emitted.settled_at] == [
        "AttemptStarted",
        "TurnFinished",
        "TurnCompleted",
    ]


def log_of(*events, metered=(), stopped=False, finished=None):
    reply = reply_of(events[0]) if events else None
    for event in events:
        reply.apply(event)
    return Earlier(reply, finished, frozenset(metered), stopped)


def begun(attempt_id="dead", epoch=3, **more):
    fields = {"attempt": 1, "model": "openai/echo", "attempt_id": attempt_id, "epoch": epoch} | more
    return AttemptStarted(**TURN, **fields)


def spoken(attempt_id="dead", seq=0, text="half an"):
    return DeltaProduced(**TURN, attempt=1, seq=seq, text=SafeText(text), attempt_id=attempt_id)


def looking(emitted_by_us: list, *before, meanwhile=(), **more):
    """The log as a successor meets it: what was there, then what others and itself wrote."""
    looks = []

    async def look() -> Earlier:
        looks.append(1)
        ours = [e for e in emitted_by_us if isinstance(e, AttemptStarted)] if len(looks) > 1 else []
        return log_of(*before, *(meanwhile if len(looks) > 1 else ()), *ours, **more)

    return look


async def taken_over(*before, bot=BOT, **more):
    emitted = EventList()
    model = ScriptedModel([*said("whole answer"), ended()])
    step = respond(model, ManualClock(NOON))
    await step(READY, bot, TEMPLATE, StopSignal(), NOON, emitted, looking(emitted.events, *before, **more))
    return emitted, model


async def test_an_answered_turn_is_left_alone():
    done = TurnCancelled(**TURN, attempt=1, deltas=0, attempt_id="dead", epoch=3)
    emitted, model = await taken_over(begun(), done, metered={"dead"})
    assert (emitted.events, model.prompts) == ([], [])


async def test_a_successor_bills_the_dead_attempt_and_answers_with_a_higher_number():
    emitted, model = await taken_over(begun(), spoken())
    bill, ours = [e for e in emitted.events if isinstance(e, AttemptMetered)]
    assert (bill.attempt_id, bill.outcome, bill.usage.estimated, bill.usage.completion_tokens) == (
        "dead",
        "abandoned",
        True,
        2,
    )
    assert (ours.attempt_id, ours.attempt, ours.outcome) == ("a-2", 2, "completed")
    assert one(emitted, TurnFinished).answer == "whole answer"
    assert len(model.prompts) == 1


@pytest.mark.parametrize(
    ("bill", "words", "billed"),
    [
        (Usage(prompt_tokens=9, completion_tokens=5, estimated=False), (spoken(),), (9, 5, False)),
        (Usage(prompt_tokens=0, completion_tokens=0, estimated=True), (), (0, 0, True)),
        (Usage(prompt_tokens=0, completion_tokens=0, estimated=True), (spoken(),), (1, 2, True)),
    ],
    ids=["the provider knows", "the call never came", "it spoke, so it came"],
)
async def test_the_provider_is_asked_what_a_dead_attempt_cost(bill, words, billed):
    emitted = EventList()
    models = ModelsByName({"openai/echo": [[*said("whole answer"), ended()]]}, {"dead": bill})
    look = looking(emitted.events, begun(), *words)
    ready = msgspec.structs.replace(READY, history=(), context=None, question=SafeText("x"))
    await respond(models, ManualClock(NOON))(ready, BOT, TEMPLATE, StopSignal(), NOON, emitted, look)
    usage = next(event.usage for event in emitted.events if isinstance(event, AttemptMetered))
    assert (usage.prompt_tokens, usage.completion_tokens, usage.estimated) == billed


async def test_an_attempt_that_was_billed_is_not_billed_again():
    emitted, _ = await taken_over(begun(), metered={"dead"})
    assert one(emitted, AttemptMetered).attempt_id == "a-2"


async def test_who_ended_the_turn_between_our_look_and_our_start_wins():
    done = TurnCancelled(**TURN, attempt=1, deltas=0, attempt_id="dead", epoch=3)
    emitted, model = await taken_over(begun(), meanwhile=(done,), metered={"dead"})
    assert emitted.names() == ["AttemptStarted", "AttemptMetered"]
    assert one(emitted, AttemptMetered).usage.completion_tokens == 0
    assert model.prompts == []


async def test_a_newer_owner_wins_over_a_zombie():
    emitted, model = await taken_over(begun(), meanwhile=(begun("newer", epoch=9),), metered={"dead"})
    assert (emitted.names(), model.prompts) == (["AttemptStarted", "AttemptMetered"], [])


async def test_a_stop_that_the_dead_worker_had_taken_still_counts():
    emitted, model = await taken_over(begun(), stopped=True, metered={"dead"})
    assert emitted.names() == ["AttemptStarted", "AttemptMetered", "TurnFinished", "TurnCancelled", "StageTimed"]
    assert model.prompts == []


async def test_a_stopped_turn_keeps_what_was_said_of_it_whatever_the_dead_worker_still_sends():
    emitted, _ = await taken_over(begun(), spoken(), stopped=True, metered={"dead"})
    bill, finished, end = (one(emitted, kind) for kind in (AttemptMetered, TurnFinished, TurnCancelled))
    assert (finished.answer, finished.state, finished.first_delta_ms) == ("half an", "cancelled", None)
    assert (bill.usage.completion_tokens, bill.outcome) == (0, "abandoned")
    reply = reply_of(begun())
    for event in (begun(), spoken(), *emitted.events[:2], spoken(seq=1, text=" answer"), *emitted.events[2:]):
        if isinstance(event, AttemptStarted | DeltaProduced | TurnCancelled):
            reply.apply(event)
    assert (reply.text, reply.terminal) == ("half an", end)


async def test_a_stop_before_anything_was_begun_makes_no_attempt():
    emitted, _ = await taken_over(stopped=True)
    assert emitted.names() == ["TurnFinished", "TurnCancelled", "StageTimed"]


async def finished_by(attempt_id="dead", epoch=3, *, script=("half an", " answer"), **more):
    """The finished turn as the dead worker wrote it."""
    emitted, _ = await run([*said(*script), ended()], epoch=epoch, **more)
    return msgspec.structs.replace(one(emitted, TurnFinished), attempt_id=attempt_id)


async def test_an_end_that_was_written_down_and_not_said_is_said():
    """Who reads over REST may have seen it."""
    emitted, model = await taken_over(
        begun(), spoken(), spoken(seq=1, text=" answer"), metered={"dead"}, finished=await finished_by()
    )
    end = one(emitted, TurnCompleted)
    assert emitted.names() == ["TurnCompleted"]
    assert (end.attempt_id, end.deltas, end.attempt, end.epoch) == ("dead", 2, 1, 3)
    assert model.prompts == []


async def test_text_that_did_not_reach_the_log_is_said_again_without_a_call():
    emitted, model = await taken_over(begun(), spoken(), metered={"dead"}, finished=await finished_by())
    assert emitted.names() == ["AttemptStarted", "DeltaProduced", "AttemptMetered", "TurnCompleted"]
    assert one(emitted, DeltaProduced).text == "half an answer"
    end, bill = one(emitted, TurnCompleted), one(emitted, AttemptMetered)
    assert (end.attempt_id, end.attempt, end.epoch, bill.usage.prompt_tokens) == ("a-1", 2, 7, 0)
    assert model.prompts == []


async def test_the_end_of_a_turn_without_attempts_is_said_too():
    stop = StopSignal()
    stop.give()
    emitted, _ = await taken_over(finished=await finished_by("pass", stop=stop))
    assert emitted.names() == ["TurnCancelled"]


async def test_a_zombies_end_is_not_said():
    emitted, _ = await taken_over(begun("newer", epoch=5), metered={"newer"}, finished=await finished_by())
    assert one(emitted, TurnCompleted).attempt_id == "a-2"


async def test_a_turn_nobody_began_is_just_answered():
    emitted, _ = await run([*said("Hi"), ended()], look=None)
    plain = emitted.names()
    emitted, _ = await taken_over()
    assert emitted.names() == plain


async def test_a_bot_that_is_gone_leaves_no_attempt_without_a_bill():
    async def look() -> Earlier:
        return log_of(begun())

    emitted, _ = await run([], bot=None, look=look)
    assert emitted.names()[0] == "AttemptMetered"
    rows = [event for event in emitted.events if isinstance(event, AttemptMetered)]
    assert [(row.attempt_id, row.model, row.usage.estimated) for row in rows] == [
        ("dead", "openai/echo", True),
        ("a-1", "openai/echo", False),
    ]
    assert rows[1].usage == NOTHING


@pytest.mark.parametrize(
    ("started", "model", "price", "purpose", "tokens"),
    [
        ({"model": "cheap", "purpose": "summary", "dropped_turns": 1}, "cheap", "route", "summary", 4),
        ({"model": "twin", "place": 2}, "twin", "route", "answer", 4),
        ({"model": "twin", "place": 7}, "twin", "unpriced", "answer", 4),
        ({"model": "gone"}, "gone", "unpriced", "answer", 4),
        ({"model": "twin", "purpose": "no_call"}, "twin", "unpriced", "answer", 0),
    ],
)
async def test_a_dead_attempt_is_billed_as_what_it_was(started, model, price, purpose, tokens):
    dear = Price(prompt_per_million_usd=Decimal(1), completion_per_million_usd=Decimal(1))
    routes = (Route(model="openai/echo"), Route(model="twin"), Route(model="twin", price=dear))
    bot = BOT.model_copy(update={"route": routes, "summary": Route(model="cheap", price=dear)})
    emitted, _ = await taken_over(begun(**started), bot=bot)
    row = next(event for event in emitted.events if isinstance(event, AttemptMetered))
    assert (row.attempt_id, row.model, row.price_version, row.purpose) == ("dead", model, price, purpose)
    assert row.usage.prompt_tokens == tokens


async def test_the_prompt_is_template_history_question():
    history = (Exchange(turn_id="t-0", question=SafeText("Who?"), answer=SafeText("Me.")),)
    ready = msgspec.structs.replace(READY, history=history, question=SafeText("{{ 7*7 }}"), context=None)
    _, model = await run([*said("x"), ended()], ready=ready)
    assert [(m.role, m.content) for m in model.prompts[0].messages] == [
        ("system", "You are assistant: help."),
        ("user", "Who?"),
        ("assistant", "Me."),
        ("user", "{{ 7*7 }}"),
    ]
    assert model.prompts[0].output_tokens == BOT.limits.output_tokens


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ([ModelFailed(FailureKind.RATE_LIMITED)], "model_rate_limited"),
        ([*said("a"), ModelFailed(FailureKind.CUT, "call-9")], "model_stream_broken"),
        ([*said("a")], "model_stream_broken"),
        ([ended()], "model_empty_answer"),
        ([*said(" \n"), ended()], "model_empty_answer"),
        ([*said("a"), ended(reason="content_filter")], "model_content_filtered"),
    ],
)
async def test_what_is_not_a_whole_answer_fails_with_a_code(script, code):
    emitted, _ = await run(script)
    failed = one(emitted, TurnFailed)
    assert failed.code == code == one(emitted, TurnFinished).error_code == one(emitted, AttemptMetered).error_code
    assert failed.retryable == ErrorCode(code).kind.retryable
    assert one(emitted, AttemptMetered).outcome == "failed"
    assert one(emitted, StageTimed).outcome == "failed"


async def test_a_call_that_was_refused_costs_nothing():
    emitted, _ = await run([ModelFailed(FailureKind.RATE_LIMITED, "call-9")])
    row = one(emitted, AttemptMetered)
    assert (row.usage.prompt_tokens, row.cost_usd, row.provider_call_id) == (0, 0, "call-9")
    assert not row.usage.estimated


async def test_of_a_connection_that_broke_before_an_answer_nobody_knows_the_bill():
    emitted, _ = await run([ModelFailed(FailureKind.UNREACHABLE)])
    usage = one(emitted, AttemptMetered).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.estimated) == (0, 0, True)


async def test_of_a_call_that_fell_silent_the_prompt_may_be_billed():
    emitted, _ = await run([ModelFailed(FailureKind.CUT)])
    usage = one(emitted, AttemptMetered).usage
    assert (usage.prompt_tokens > 0, usage.completion_tokens, usage.estimated) == (True, 0, True)


def limits(**seconds: float) -> Bot:
    return BOT.model_copy(update={"limits": Limits(**seconds)})


async def test_silence_before_the_first_token_is_a_timeout():
    emitted, model = await run([], pause=0.0, bot=limits(first_token_seconds=0.02))
    assert one(emitted, TurnFailed).code == "model_timeout"
    assert model.hung_up


async def test_silence_in_mid_stream_is_a_timeout():
    emitted, _ = await run([*said("a wo")], pause=0.0, bot=limits(gap_seconds=0.02))
    assert one(emitted, TurnFailed).code == "model_timeout"
    assert one(emitted, TurnFinished).answer == "a "


async def test_the_deadline_of_the_turn_bounds_the_attempt():
    ready = msgspec.structs.replace(READY, deadline_at=NOON + timedelta(seconds=0.05))
    emitted, _ = await run([*said("a")], pause=0.0, ready=ready, clock=ManualClock())
    assert one(emitted, TurnFailed).code == "model_timeout"


async def test_a_stop_in_mid_stream_ends_the_turn_with_what_was_said():
    stop = StopSignal()
    asyncio.get_running_loop().call_later(0.02, stop.give)
    emitted, model = await run([*said("partial ")], pause=0.0, stop=stop)
    assert one(emitted, TurnCancelled).deltas == 1
    finished = one(emitted, TurnFinished)
    assert (finished.state, finished.answer) == ("cancelled", "partial ")
    row = one(emitted, AttemptMetered)
    assert (row.outcome, row.usage.estimated, row.usage.completion_tokens) == ("cancelled", True, 1)
    assert model.hung_up


async def test_a_stop_between_chunks_is_not_undone_by_the_next_chunk():
    stop = StopSignal()
    pieces = said(*["x"] * 200)
    asyncio.get_running_loop().call_later(0.01, stop.give)
    emitted, _ = await run([*pieces, ended()], pause=0.001, stop=stop)
    assert one(emitted, TurnCancelled).deltas < 200


async def test_a_stop_given_with_a_chunk_on_its_way_still_ends_the_turn():
    stop = StopSignal()
    emitted = EventList()
    model = ScriptedModel([*said("a", "b"), ended()], pause=0.001, while_speaking=stop.give)
    step = respond(model, ManualClock())
    await step(READY, BOT, TEMPLATE, stop, NOON, emitted)
    assert one(emitted, TurnCancelled).attempt == 1


async def test_a_stop_between_the_announcement_and_the_first_chunk_is_not_lost():
    stop = StopSignal()
    emitted = EventList()
    model = ScriptedModel([*said(*["x"] * 100), ended()], pause=0.01)

    def reach(point: str) -> None:
        if point == "respond.started":
            stop.give()

    step = respond(model, ManualClock(), reach=reach)
    await step(READY, BOT, TEMPLATE, stop, NOON, emitted)
    assert one(emitted, TurnCancelled).deltas < 10


async def test_a_stop_before_the_turn_asks_no_model():
    stop = StopSignal()
    stop.give()
    emitted, model = await run([*said("a"), ended()], stop=stop)
    assert emitted.names() == ["TurnFinished", "TurnCancelled", "StageTimed"]
    assert model.prompts == []


@pytest.mark.parametrize(
    ("ready", "bot", "code"),
    [
        (
            msgspec.structs.replace(READY, refusal=Refusal(code="redaction_failed", stage="redact", retryable=True)),
            BOT,
            "redaction_failed",
        ),
        (READY, None, "bot_unknown"),
        (msgspec.structs.replace(READY, deadline_at=NOON - timedelta(seconds=1)), BOT, "deadline_exceeded"),
    ],
)
async def test_a_turn_that_must_not_go_on_fails_without_a_call(ready, bot, code):
    emitted, model = await run([*said("a"), ended()], ready=ready, bot=bot)
    assert emitted.names() == ["TurnFinished", "TurnFailed", "StageTimed"]
    failed = one(emitted, TurnFailed)
    assert (failed.code, failed.attempt) == (code, 0)
    assert model.prompts == []


async def test_the_waterfall_adds_up():
    """Hops follow each other: each begins no earlier than the one before has ended."""
    emitted, _ = await run([*said("a"), ended()])
    hops = one(emitted, TurnFinished).hops
    assert [hop.stage for hop in hops] == ["accept", "respond"]
    finished = one(emitted, TurnFinished)
    assert finished.total_ms == (hops[-1].left_at - hops[0].entered_at).total_seconds() * 1000
