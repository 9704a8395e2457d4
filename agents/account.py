"""What an attempt cost, and its row in the ledger."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from agents.failures import REACTIONS, FailureKind
from agents.turn import Voice
from sluice.bots import Price, Route
from sluice.clock import milliseconds_between
from sluice.events import AttemptMetered, AttemptOutcome, PromptReady, Usage
from sluice.ids import derived_event_id

_MILLION = Decimal(1_000_000)
_PLACES = Decimal("0.0000000001")
NOTHING = Usage(prompt_tokens=0, completion_tokens=0, estimated=False)


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars with ten places, and which price table said so."""

    usd: Decimal
    price_version: str


class Prices(Protocol):
    """Prices of models that have none in their route."""

    version: str

    def cost_usd(self, model: str, usage: Usage) -> Decimal | None:
        """None for a model the table does not know."""
        ...


def cost_of(route: Route, usage: Usage, prices: Prices) -> Cost:
    """The route's own price first, then the table's. What has none, or says so, costs nothing, marked `unpriced`."""
    if isinstance(route.price, Price):
        usd = (
            route.price.prompt_per_million_usd * usage.prompt_tokens
            + route.price.completion_per_million_usd * usage.completion_tokens
        ) / _MILLION
        return Cost(usd.quantize(_PLACES), "route")
    found = None if route.price == "none" else prices.cost_usd(route.model, usage)
    return (
        Cost(Decimal(0).quantize(_PLACES), "unpriced")
        if found is None
        else Cost(found.quantize(_PLACES), prices.version)
    )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of a model, as far as it went."""

    number: int
    attempt_id: str
    route: Route
    started_at: datetime
    first_token_at: datetime | None
    ended_at: datetime
    outcome: AttemptOutcome
    usage: Usage
    call_id: str | None = None
    finish_reason: str | None = None
    failure: FailureKind | None = None
    purpose: Literal["answer", "summary"] = "answer"

    @property
    def first_token_ms(self) -> float | None:
        """Call to first token, ms."""
        return None if self.first_token_at is None else milliseconds_between(self.started_at, self.first_token_at)


def never_made(voice: Voice, route: Route, now: datetime) -> Attempt:
    """The attempt that was announced and asked no model."""
    return Attempt(
        number=voice.number,
        attempt_id=voice.attempt_id,
        route=route,
        started_at=voice.started_at,
        first_token_at=None,
        ended_at=now,
        outcome="abandoned",
        usage=NOTHING,
    )


def ledger_row(prompt: PromptReady, attempt: Attempt, cost: Cost) -> AttemptMetered:
    """One row for each attempt, whatever its end.

    Two rows of one attempt are possible: a successor closes it as `abandoned` while its writer, thought dead, comes
    back with the true count. Their `event_id` differs, and readers prefer the one that is not abandoned.
    """
    return AttemptMetered(
        event_id=derived_event_id(attempt.attempt_id, "abandoned" if attempt.outcome == "abandoned" else "metered"),
        occurred_at=attempt.ended_at,
        traceparent=prompt.traceparent,
        turn_id=prompt.turn_id,
        session_id=prompt.session_id,
        user_id=prompt.user_id,
        bot=prompt.bot,
        attempt=attempt.number,
        attempt_id=attempt.attempt_id,
        failure=attempt.failure.value if attempt.failure else "",
        purpose=attempt.purpose,
        model=attempt.route.model,
        provider_call_id=attempt.call_id,
        usage=attempt.usage,
        cost_usd=cost.usd,
        price_version=cost.price_version,
        outcome=attempt.outcome,
        finish_reason=attempt.finish_reason,
        error_code=_code(attempt),
        started_at=attempt.started_at,
        first_token_ms=attempt.first_token_ms,
        duration_ms=milliseconds_between(attempt.started_at, attempt.ended_at),
        template_id=prompt.template_id,
        template_hash=prompt.template_hash,
    )


def _code(attempt: Attempt) -> str | None:
    return REACTIONS[attempt.failure].code.value if attempt.failure and attempt.outcome == "failed" else None
