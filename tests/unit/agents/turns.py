"""Turns through the respond step with models that have a script: what the tests of it share."""

from datetime import timedelta

import msgspec

from agents.failures import FailureKind
from agents.means import Means
from agents.ports import ModelFailed
from agents.respond import Respond
from agents.stop_signal import StopSignal
from sluice.bots import Bot, Limits, Retry, Route, Template
from sluice.events import AttemptMetered, Exchange, PromptReady, ReplyEvent
from sluice.replies import Reply, reply_of
from sluice.safe_text import SafeText
from tests.doubles import NOON, EventList, ManualClock, ModelsByName, TablePrices, counting
from tests.samples import SAMPLES

SAMPLE = SAMPLES["PromptReady"]
assert isinstance(SAMPLE, PromptReady)
READY = msgspec.structs.replace(
    SAMPLE, refusal=None, context=None, sampling=None, history=(), deadline_at=NOON + timedelta(seconds=60)
)
TEMPLATE = Template(id="t@1", hash="aa", source="Be brief.")
CUT, LIMITED = ModelFailed(FailureKind.CUT), ModelFailed(FailureKind.RATE_LIMITED, retry_after_seconds=0.01)
HALF = "Half of a long sentence that "


def bot(*routes: Route, **more) -> Bot:
    fields = {"limits": Limits(first_token_seconds=5, gap_seconds=5), "retry": Retry(per_model=0)} | more
    return Bot(name="b", description="d", template="t@1", route=routes, **fields)


def route(name: str, **more) -> Route:
    return Route(model=name, **more)


def step(models: ModelsByName, **more) -> Respond:
    clock = ManualClock(NOON, timedelta(milliseconds=1))
    chance = more.pop("chance", lambda: 0.0)
    return Respond(Means(models, TablePrices(), clock, counting(), lambda: 7, chance, **more))


async def run(models: ModelsByName, asked: Bot, *, ready=READY, stop=None, look=None, **more) -> EventList:
    emitted = EventList()
    await step(models, **more)(ready, asked, TEMPLATE, stop or StopSignal(), NOON, emitted, look)
    return emitted


def read(emitted: EventList) -> Reply:
    events = [event for event in emitted.events if isinstance(event, ReplyEvent)]
    reply = reply_of(events[0])
    for event in events:
        reply.apply(event)
    return reply


def all_of(emitted: EventList, kind: type) -> list:
    return [event for event in emitted.events if isinstance(event, kind)]


def rows(emitted: EventList) -> list[tuple[str, str, str]]:
    return [(row.model, row.outcome, row.failure) for row in all_of(emitted, AttemptMetered)]


def talk(turns: int, words: int) -> PromptReady:
    text = SafeText("word " * words)
    history = tuple(Exchange(turn_id=f"t-{n}", question=text, answer=text) for n in range(turns))
    return msgspec.structs.replace(READY, history=history)
