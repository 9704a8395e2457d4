"""The events that end a turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from agents.account import Attempt, Cost
from sluice.clock import milliseconds_between
from sluice.errors import ErrorCode
from sluice.events import (
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


@dataclass(frozen=True, slots=True)
class Closing:
    """All that is known at the end of a turn."""

    outcome: Outcome
    entered_at: datetime
    attempts: tuple[Attempt, ...]
    """All of this pass, the one that readers followed last."""
    answer: SafeText
    first_delta_at: datetime | None = None
    pass_id: str = ""
    """Of the last attempt, or of the pass through the stage that made none."""
    epoch: int = 0
    fallback: bool = False


def finished_event(ready: PromptReady, closing: Closing, costs: Sequence[Cost], now: datetime) -> TurnFinished:
    """The whole turn, for history and warehouse. Goes before the terminal: who sees the end can rely on the rest."""
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
    return TurnFinished(
        event_id=derived_event_id(ready.turn_id, closing.pass_id, "finished"),
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
        attempts=last.number if last else 0,
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
        attempt_id=closing.pass_id,
        epoch=closing.epoch,
        fallback=closing.fallback,
    )


def timed_event(ready: PromptReady, closing: Closing, now: datetime) -> StageTimed:
    """Time the stage spent on the turn."""
    code = closing.outcome.code
    return StageTimed(
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


def terminal_event(finished: TurnFinished, deltas: int) -> TerminalEvent:
    """What ends the turn for its readers. Made from the finished turn alone, so that a successor can make it too."""
    head: dict[str, Any] = {
        "event_id": derived_event_id(finished.turn_id, finished.attempt_id, "terminal"),
        "occurred_at": finished.occurred_at,
        "traceparent": finished.traceparent,
        "turn_id": finished.turn_id,
        "session_id": finished.session_id,
        "user_id": finished.user_id,
        "attempt": finished.attempts,
        "attempt_id": finished.attempt_id,
        "epoch": finished.epoch,
    }
    if finished.error_code is not None:
        kind = ErrorCode(finished.error_code).kind
        return TurnFailed(code=finished.error_code, message=kind.message, retryable=kind.retryable, **head)
    if finished.state == "cancelled" or finished.model is None:
        return TurnCancelled(deltas=deltas, **head)
    return TurnCompleted(
        deltas=deltas,
        model=finished.model,
        finish_reason=finished.finish_reason or "stop",
        usage=finished.usage,
        cost_usd=finished.cost_usd,
        first_delta_ms=finished.first_delta_ms,
        total_ms=finished.total_ms,
        first_token_ms=finished.first_token_ms,
        placeholders=finished.placeholders,
        fallback=finished.fallback,
        **head,
    )
