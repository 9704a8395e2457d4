"""Hand-written doubles of the ports. The contract suites run over them and over the real adapters."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from agents.ports import Ended, ModelFailed, Prompt, Said
from sluice.bots import Route
from sluice.errors import Unavailable
from sluice.events import Event, Usage
from sluice.kafka_config import Headers
from sluice.safe_text import SafeText

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@dataclass
class ManualClock:
    """Stands still until told; `step` moves it at every look."""

    now: datetime = NOON
    step: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass
class ScriptedModel:
    """Says what it was given; `pause` between pieces lets time-outs and stops strike."""

    script: Sequence[Said | Ended | Exception]
    pause: float | None = None
    prompts: list[Prompt] = field(default_factory=list)
    hung_up: bool = False
    while_speaking: Callable[[], None] = lambda: None

    async def stream(self, route: Route, prompt: Prompt) -> AsyncGenerator[Said | Ended, None]:
        self.prompts.append(prompt)
        try:
            for part in self.script:
                if isinstance(part, Exception):
                    raise part
                self.while_speaking()
                yield part
                if self.pause is not None:
                    await asyncio.sleep(self.pause)
            if self.pause is not None and not any(isinstance(p, Ended) for p in self.script):
                await asyncio.Event().wait()
        finally:
            self.hung_up = True

    async def billed(self, route: Route, attempt_id: str, call_id: str | None) -> Usage | None:
        return None

    def count(self, route: Route, prompt: Prompt, answer: str) -> Usage:
        return Usage(prompt_tokens=len(prompt.messages), completion_tokens=len(answer.split()), estimated=True)


@dataclass
class ModelsByName:
    """Each model has scripts, one for each call; None in a script is silence until it is hung up."""

    scripts: dict[str, list[list[Said | Ended | Exception | None]]]
    bills: dict[str, Usage] = field(default_factory=dict)
    """By attempt, as the provider would tell them."""
    prompts: list[tuple[str, Prompt]] = field(default_factory=list)
    running: int = 0
    most_running: int = 0

    async def stream(self, route: Route, prompt: Prompt) -> AsyncGenerator[Said | Ended, None]:
        self.prompts.append((route.model, prompt))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            for part in self.scripts[route.model].pop(0):
                if part is None:
                    await asyncio.Event().wait()
                if isinstance(part, Exception):
                    raise part
                yield part
                await asyncio.sleep(0)
        finally:
            self.running -= 1

    async def billed(self, route: Route, attempt_id: str, call_id: str | None) -> Usage | None:
        return self.bills.get(attempt_id)

    def count(self, route: Route, prompt: Prompt, answer: str) -> Usage:
        words = sum(len(message.content.split()) for message in prompt.messages)
        return Usage(prompt_tokens=words, completion_tokens=len(answer.split()), estimated=True)


@dataclass
class TablePrices:
    """A price table with one model."""

    known: dict[str, Decimal] = field(default_factory=dict)
    version: str = "table-1"

    def cost_usd(self, model: str, usage: Usage) -> Decimal | None:
        price = self.known.get(model)
        return None if price is None else price * (usage.prompt_tokens + usage.completion_tokens)


@dataclass
class EventList:
    """An agents.ports.Log that keeps what it was given; `settled_at` has how many there were at each wait."""

    events: list[Event] = field(default_factory=list)
    settled_at: list[int] = field(default_factory=list)

    async def emit(self, event: Event) -> None:
        self.events.append(event)

    async def settled(self) -> None:
        self.settled_at.append(len(self.events))

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


@dataclass
class MemoryLog:
    """A Producing that keeps records; `away` makes it refuse like a broker that is gone."""

    records: list[tuple[str, str, bytes, Headers]] = field(default_factory=list)
    away: bool = False

    async def put(self, topic: str, key: str, value: bytes, headers: Headers) -> asyncio.Future[int]:
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self.away:
            done.set_exception(Unavailable("kafka: away"))
        else:
            self.records.append((topic, key, value, headers))
            done.set_result(len(self.records) - 1)
        return done

    async def post(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        await (await self.put(topic, key, value, headers))


def said(*pieces: str) -> list[Said]:
    return [Said(SafeText(piece)) for piece in pieces]


def ended(prompt_tokens: int = 5, completion_tokens: int = 2, reason: str = "stop") -> Ended:
    usage = Usage(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, estimated=False)
    return Ended(reason, usage, "call-1")


__all__ = [
    "NOON",
    "EventList",
    "ManualClock",
    "MemoryLog",
    "ModelFailed",
    "ScriptedModel",
    "TablePrices",
    "counting",
    "ended",
    "said",
]


def counting(prefix: str = "a") -> Callable[[], str]:
    """Ids in order: a-1, a-2, ..."""
    numbers = iter(range(1, 1000))
    return lambda: f"{prefix}-{next(numbers)}"
