"""A prompt made again from the log is what the model got."""

import dataclasses

import msgspec

from agents.failures import FailureKind
from agents.means import Means
from agents.ports import ModelFailed
from agents.respond import Respond
from agents.stop_signal import StopSignal
from sluice.bots import Bot, Limits, Retry, Route, Template
from sluice.events import AttemptStarted, Event, Exchange, PromptReady
from sluice.safe_text import SafeText
from streams.prompt_search import prompts_of
from tests.doubles import NOON, EventList, ManualClock, ModelsByName, TablePrices, counting, ended, said
from tests.samples import SAMPLES

SAMPLE = SAMPLES["PromptReady"]
assert isinstance(SAMPLE, PromptReady)
TEXT = SafeText("Grüße, {{ nobody }} 😀 \n")
READY = msgspec.structs.replace(
    SAMPLE,
    refusal=None,
    sampling=None,
    context=None,
    question=TEXT,
    history=tuple(Exchange(turn_id=f"t-{n}", question=TEXT, answer=TEXT) for n in range(3)),
)
BOT = Bot(
    name="b",
    description="d",
    template="t@1",
    route=(Route(model="one"), Route(model="two", prefill=True), Route(model="three")),
    limits=Limits(context_tokens=20),
    retry=Retry(per_model=0),
    summary=Route(model="cheap"),
)
CUT = ModelFailed(FailureKind.CUT)


async def answered() -> tuple[ModelsByName, list[Event]]:
    half = said("Half of a sentence that is long enough ")
    models = ModelsByName(
        {
            "cheap": [[*said("In short."), ended()] for _ in range(3)],
            "one": [[*half, CUT]],
            "two": [[*said("that goes on", " and"), CUT]],
            "three": [[*said("Anew."), ended()]],
        }
    )
    emitted = EventList()
    template = Template(id="t@1", hash="x", source="You are {{ bot }}.")
    step = Respond(Means(models, TablePrices(), ManualClock(), counting(), lambda: 1, lambda: 0.0))
    await step(READY, BOT, template, StopSignal(), NOON, emitted)
    return models, [READY, *emitted.events]


async def test_every_attempt_of_a_turn_with_fail_over_and_summary():
    models, events = await answered()
    found = prompts_of(READY.turn_id, iter(events))
    assert [(one.model, one.messages) for one in found] == [(model, sent.messages) for model, sent in models.prompts]
    assert [one.model for one in found if one.model != "cheap"] == ["one", "two", "three"]
    assert all(one.proved for one in found)
    gone_on_with = next(one for one in found if one.model == "two")
    assert gone_on_with.messages[-1].content == "Half of a sentence that is long enough"


async def test_another_text_is_not_proved_and_another_turn_is_not_found():
    _, events = await answered()
    changed = [msgspec.structs.replace(READY, question=SafeText("Other")), *events[1:]]
    assert not any(one.proved for one in prompts_of(READY.turn_id, iter(changed)) if one.model != "cheap")
    assert prompts_of("another", iter(events)) == []
    assert prompts_of(READY.turn_id, iter(events[1:])) == []
    old = [msgspec.structs.replace(e, prompt_hash="") if isinstance(e, AttemptStarted) else e for e in events]
    assert prompts_of(READY.turn_id, iter(old)) == []
    assert dataclasses.is_dataclass(prompts_of(READY.turn_id, iter(events))[0])
