"""The events that end a turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from agents.account import Attempt, Cost
from sluice.clock import milliseconds_between
from sluice.errors import ErrorCode
from sluice.events import (
    Event,
    Hop,
    PromptReady,
    StageTimed,
    TerminalEvent,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnFinished,
    TurnState,
    Usage,
)
from sluice.ids import derived_event_id
from sluice.safe_text import SafeText


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended. `code` is set where it failed."""

    state: TurnState
    code: ErrorCode | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """All that is known at the end of a turn."""

    outcome: Outcome
    entered_at: datetime
    attempts: tuple[Attempt, ...]
    answer: SafeText
    deltas: int | None
    first_delta_at: datetime | None = None


def closing_events(ready: PromptReady, closing: Closing, costs: Sequence[Cost], now: datetime) -> Iterator[Event]:
    """The finished turn first, so that the next question finds its history; then the terminal; then the times."""
    hops = (*ready.hops, Hop(stage="respond", entered_at=closing.entered_at, left_at=now))
    accepted_at = hops[0].entered_at
    last = closing.attempts[-1] if closing.attempts else None
    usage = Usage(
        prompt_tokens=sum(attempt.usage.prompt_tokens for attempt in closing.attempts),
        completion_tokens=sum(attempt.usage.completion_tokens for attempt in closing.attempts),
        estimated=any(attempt.usage.estimated for attempt in closing.attempts),
    )
    cost_usd = sum((cost.usd for cost in costs), Decimal(0)).quantize(Decimal("0.0000000001"))
    first_delta_ms = milliseconds_between(accepted_at, closing.first_delta_at) if closing.first_delta_at else None
    total_ms = milliseconds_between(accepted_at, now)
    code = closing.outcome.code
    yield TurnFinished(
        event_id=derived_event_id(ready.turn_id, "finished"),
        occurred_at=now,
        traceparent=ready.traceparent,
        turn_id=ready.turn_id,
        session_id=ready.session_id,
        user_id=ready.user_id,
        bot=ready.bot,
        state=closing.outcome.state,
        error_code=code.value if code else None,
        question=ready.question,
        answer=closing.answer,
        attempts=len(closing.attempts),
        model=last.route.model if last else None,
        finish_reason=last.finish_reason if last else None,
        usage=usage,
        cost_usd=cost_usd,
        first_delta_ms=first_delta_ms,
        total_ms=total_ms,
        first_token_ms=last.first_token_ms if last else None,
        template_id=ready.template_id,
        template_hash=ready.template_hash,
        redacted_types=ready.redacted_types,
        placeholders=ready.placeholders,
        accepted_at=accepted_at,
        hops=hops,
    )
    yield _terminal(ready, closing, last, usage, cost_usd, first_delta_ms, total_ms, now)
    yield StageTimed(
        event_id=derived_event_id(ready.turn_id, "respond", "timed"),
        occurred_at=now,
        traceparent=ready.traceparent,
        turn_id=ready.turn_id,
        session_id=ready.session_id,
        user_id=ready.user_id,
        bot=ready.bot,
        stage="respond",
        entered_at=closing.entered_at,
        left_at=now,
        outcome=closing.outcome.state,
        error_code=code.value if code else None,
    )


def _terminal(
    ready: PromptReady,
    closing: Closing,
    last: Attempt | None,
    usage: Usage,
    cost_usd: Decimal,
    first_delta_ms: float | None,
    total_ms: float,
    now: datetime,
) -> TerminalEvent:
    number = last.number if last else 0
    head: dict[str, Any] = {
        "event_id": derived_event_id(ready.turn_id, number, "terminal"),
        "traceparent": ready.traceparent,
        "turn_id": ready.turn_id,
        "session_id": ready.session_id,
        "user_id": ready.user_id,
    }
    code = closing.outcome.code
    if code is not None:
        kind = code.kind
        return TurnFailed(
            occurred_at=now, attempt=number, code=code.value, message=kind.message, retryable=kind.retryable, **head
        )
    if closing.outcome.state == "cancelled" or last is None:
        return TurnCancelled(occurred_at=now, attempt=number, deltas=closing.deltas or 0, **head)
    return TurnCompleted(
        occurred_at=now,
        attempt=number,
        deltas=closing.deltas or 0,
        model=last.route.model,
        finish_reason=last.finish_reason or "stop",
        usage=usage,
        cost_usd=cost_usd,
        first_delta_ms=first_delta_ms,
        total_ms=total_ms,
        first_token_ms=last.first_token_ms,
        placeholders=ready.placeholders,
        **head,
    )
