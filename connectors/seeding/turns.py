"""One turn as the platform would have said it: all its events, with numbers as people and models have them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sluice.errors import ErrorCode
from sluice.events import (
    AttemptMetered,
    AttemptOutcome,
    FeedbackGiven,
    Hop,
    StageOutcome,
    StageTimed,
    StopRequested,
    TurnEvent,
    TurnFinished,
    TurnState,
    TurnTimed,
    Usage,
)
from sluice.safe_text import EMPTY

_MILLION = 1_000_000
_STAGES = (("accept", 1.2), ("enrich", 2.4), ("redact", 1.8))
"""With the median of their milliseconds."""
_NEW_SESSION, _MOST_OPEN = 0.3, 400
_FAILURES = (
    ErrorCode.MODEL_UNAVAILABLE,
    ErrorCode.DEADLINE_EXCEEDED,
    ErrorCode.REDACTION_FAILED,
    ErrorCode.MODEL_RATE_LIMITED,
)


@dataclass(frozen=True, slots=True)
class Model:
    """What it costs and how quick it is."""

    name: str
    prompt_usd: Decimal
    completion_usd: Decimal
    first_token_ms: float
    tokens_a_second: float


@dataclass(frozen=True, slots=True)
class Bot:
    """One that people ask, so often, and the models of its route."""

    name: str
    weight: int
    models: tuple[Model, ...]


_SMALL = Model("openai/gpt-4o-mini", Decimal("0.15"), Decimal("0.60"), 380.0, 95.0)
_LARGE = Model("anthropic/claude-sonnet", Decimal("3.00"), Decimal("15.00"), 720.0, 62.0)
_OWN = Model("openai/llama-3-8b", Decimal(0), Decimal(0), 210.0, 48.0)
BOTS = (
    Bot("assistant", 62, (_SMALL, _LARGE)),
    Bot("support", 25, (_LARGE, _SMALL)),
    Bot("storyteller", 13, (_OWN, _SMALL)),
)
_BOT_WEIGHTS = [bot.weight for bot in BOTS]


class Crowd:
    """Who talks on one day: few people much, many a little. Sessions go on for a while."""

    def __init__(self, chance: random.Random, people: int, seed: int) -> None:
        self._chance, self._people, self._seed = chance, people, seed
        self._open: list[tuple[str, str]] = []

    def next(self) -> tuple[str, str]:
        """Session and person of the next turn."""
        if self._open and self._chance.random() > _NEW_SESSION:
            return self._chance.choice(self._open)
        rank = min(int(self._people * self._chance.random() ** 3), self._people - 1)
        opened = unique(self._chance), f"usr_{random.Random(f'{self._seed} person {rank}').getrandbits(128):032x}"  # noqa: S311
        self._open.append(opened)
        if len(self._open) > _MOST_OPEN:
            self._open.pop(0)
        return opened


def unique(chance: random.Random) -> str:
    """A UUID."""
    return str(UUID(int=chance.getrandbits(128), version=4))


class Turn:
    """Builds the events of one turn, in the order in which they are said."""

    def __init__(self, chance: random.Random, accepted_at: datetime, session_id: str, user_id: str) -> None:
        self._chance, self._accepted_at = chance, accepted_at
        self._bot = chance.choices(BOTS, _BOT_WEIGHTS)[0]
        self._turn_id, self._session_id, self._user_id = unique(chance), session_id, user_id
        self._traceparent = f"00-{chance.getrandbits(128):032x}-{chance.getrandbits(64):016x}-01"
        self._template = f"{self._bot.name}@1"

    def events(self) -> Iterator[TurnEvent]:
        """All of them."""
        at, hops = self._accepted_at, list[Hop]()
        for stage, median in _STAGES:
            left = at + timedelta(milliseconds=self._around(median))
            hops.append(Hop(stage=stage, entered_at=at, left_at=left))
            yield self._stage_timed(hops[-1], "passed")
            at = left + timedelta(milliseconds=self._around(1.1))
        entered_at, overhead_ms = at, (at - self._accepted_at) / timedelta(milliseconds=1)
        state, error = self._outcome()
        waited, first = 0.0, None
        metered: list[AttemptMetered] = []
        models = self._bot.models if error or self._chance.random() < 0.035 else self._bot.models[:1]
        for attempt, model in enumerate(models, 1):
            last = attempt == len(models)
            outcome: AttemptOutcome = state if last else "failed"
            row = self._metered(model, attempt, outcome, at + timedelta(milliseconds=waited), error)
            waited += row.duration_ms
            metered.append(row)
            if last and row.first_token_ms is not None and state != "failed":
                first = overhead_ms + waited - row.duration_ms + row.first_token_ms
        ended_at = at + timedelta(milliseconds=waited + self._around(1.5))
        if state == "cancelled":
            yield StopRequested(**self._head(ended_at - timedelta(milliseconds=40)))
        yield from metered
        total_ms = (ended_at - self._accepted_at) / timedelta(milliseconds=1)
        hops.append(Hop(stage="respond", entered_at=entered_at, left_at=ended_at))
        yield self._finished(metered, state, error, first, total_ms, tuple(hops), ended_at)
        outcome_of_stage: StageOutcome = state
        yield self._stage_timed(hops[-1], outcome_of_stage, error)
        if self._chance.random() < 0.97:
            yield TurnTimed(
                **self._head(ended_at + timedelta(milliseconds=2)),
                bot=self._bot.name,
                first_delta_ms=first and first + 3.0,
                total_ms=total_ms + 3.0,
                overhead_ms=None if first is None else overhead_ms + self._around(5.0),
            )
        if self._chance.random() < 0.04:
            rated_at = ended_at + timedelta(seconds=self._around(20.0))
            yield FeedbackGiven(**self._head(rated_at), rating="up" if self._chance.random() < 0.81 else "down")

    def _outcome(self) -> tuple[TurnState, str | None]:
        drawn = self._chance.random()
        if drawn < 0.012:
            return "failed", self._chance.choice(_FAILURES).value
        return ("cancelled", None) if drawn < 0.03 else ("completed", None)

    def _metered(
        self, model: Model, attempt: int, outcome: AttemptOutcome, started_at: datetime, error: str | None
    ) -> AttemptMetered:
        prompt = int(self._around(420.0))
        completion = 0 if outcome == "failed" else max(1, int(self._around(190.0)))
        first_token_ms = self._around(model.first_token_ms) if completion else None
        duration_ms = (first_token_ms or self._around(900.0)) + completion / model.tokens_a_second * 1000
        cost = (prompt * model.prompt_usd + completion * model.completion_usd) / _MILLION
        return AttemptMetered(
            **self._head(started_at + timedelta(milliseconds=duration_ms)),
            bot=self._bot.name,
            attempt=attempt,
            model=model.name,
            provider_call_id=f"call-{self._chance.getrandbits(64):016x}",
            usage=Usage(prompt_tokens=prompt, completion_tokens=completion, estimated=False),
            cost_usd=cost.quantize(Decimal("0.0000000001")),
            price_version="seed",
            outcome=outcome,
            finish_reason="stop" if outcome == "completed" else None,
            error_code=(error or ErrorCode.MODEL_UNAVAILABLE.value) if outcome == "failed" else None,
            failure="server_error" if outcome == "failed" else "",
            started_at=started_at,
            first_token_ms=first_token_ms,
            duration_ms=duration_ms,
            template_id=self._template,
            template_hash="seed",
            attempt_id=unique(self._chance),
        )

    def _finished(
        self,
        metered: list[AttemptMetered],
        state: TurnState,
        error: str | None,
        first: float | None,
        total_ms: float,
        hops: tuple[Hop, ...],
        ended_at: datetime,
    ) -> TurnFinished:
        last = metered[-1]
        return TurnFinished(
            **self._head(ended_at),
            bot=self._bot.name,
            state=state,
            error_code=error,
            question=EMPTY,
            answer=EMPTY,
            attempts=len(metered),
            model=last.model,
            finish_reason=last.finish_reason,
            usage=Usage(
                prompt_tokens=sum(row.usage.prompt_tokens for row in metered),
                completion_tokens=sum(row.usage.completion_tokens for row in metered),
                estimated=False,
            ),
            cost_usd=sum((row.cost_usd for row in metered), Decimal(0)),
            first_delta_ms=first,
            total_ms=total_ms,
            first_token_ms=last.first_token_ms,
            template_id=self._template,
            template_hash="seed",
            redacted_types={"PERSON": 1} if self._chance.random() < 0.2 else {},
            accepted_at=self._accepted_at,
            hops=hops,
            attempt_id=last.attempt_id,
        )

    def _stage_timed(self, hop: Hop, outcome: StageOutcome, error: str | None = None) -> StageTimed:
        return StageTimed(
            **self._head(hop.left_at),
            bot=self._bot.name,
            stage=hop.stage,
            entered_at=hop.entered_at,
            left_at=hop.left_at,
            outcome=outcome,
            error_code=error,
        )

    def _head(self, occurred_at: datetime) -> dict[str, Any]:
        return {
            "event_id": unique(self._chance),
            "occurred_at": occurred_at,
            "traceparent": self._traceparent,
            "turn_id": self._turn_id,
            "session_id": self._session_id,
            "user_id": self._user_id,
        }

    def _around(self, median: float) -> float:
        """Log-normal, as waiting times and lengths are."""
        return median * self._chance.lognormvariate(0.0, 0.55)
