"""Finished turns as they are kept, as REST shows them, and as frames for who comes back late."""

from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.frames import Cancelled, Completed, Failed, Latency, ServerFrame, Snapshot, UsageShown
from gateway.rendering import Cursor, money, overhead_ms
from sluice.errors import ErrorCode
from sluice.events import TurnFinished
from sluice.replies import Reply

WHOLE_SEQ = 999_999_999
"""`seq` of a stored answer: it ends where no delta can follow. How many there were is not kept."""


_UNFINISHED: dict[str, Any] = {
    "question": None,
    "answer": None,
    "model": None,
    "attempts": 0,
    "usage": None,
    "cost_usd": None,
    "latency_ms": None,
    "finish_reason": None,
    "error": None,
}


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn as the index knows it. `document` is what REST shows of a finished one."""

    turn_id: str
    session_id: str
    user_id: str
    created_at: str
    bot: str
    state: str
    document: dict[str, Any] | None


def document_of(event: TurnFinished) -> dict[str, Any]:
    """A finished turn as REST shows it."""
    error = None
    if event.error_code is not None:
        kind = ErrorCode(event.error_code).kind
        error = {"code": event.error_code, "message": kind.message, "retryable": kind.retryable}
    return {
        "question": event.question,
        "answer": event.answer,
        "model": event.model,
        "attempts": event.attempts,
        "usage": {
            "prompt_tokens": event.usage.prompt_tokens,
            "completion_tokens": event.usage.completion_tokens,
            "estimated": event.usage.estimated,
        },
        "cost_usd": money(event.cost_usd),
        "latency_ms": {
            "first_delta": event.first_delta_ms,
            "total": event.total_ms,
            "overhead": overhead_ms(event.first_delta_ms, event.first_token_ms),
        },
        "finish_reason": event.finish_reason,
        "error": error,
    }


def shown(turn: StoredTurn, reply: Reply | None) -> dict[str, Any]:
    """A turn as REST gives it, as far as it is."""
    running = turn.document is None and reply is not None and reply.attempt > 0
    head = {
        "turn_id": turn.turn_id,
        "session_id": turn.session_id,
        "bot": turn.bot,
        "state": "running" if running else turn.state,
        "created_at": turn.created_at,
    }
    return head | (turn.document or (_UNFINISHED | {"answer": reply.text if reply else None}))


def stored_frames(turn: StoredTurn, cursor: Cursor | None = None) -> list[ServerFrame]:
    """A turn that left the hub: its whole text and its end. Nothing where it has not ended.

    Readers drop what is of an earlier attempt than they saw, so a cursor's attempt counts where it is higher.
    """
    document = turn.document
    if document is None:
        return []
    seen = cursor[1] if cursor is not None and cursor[0] == turn.turn_id else 0
    attempt = max(document["attempts"], seen)
    frames: list[ServerFrame] = []
    if document["answer"] or turn.state != "failed":
        frames.append(Snapshot(turn.turn_id, turn.session_id, attempt, WHOLE_SEQ, document["answer"]))
    if turn.state == "failed":
        error = document["error"]
        return [*frames, Failed(turn.turn_id, error["code"], error["message"], error["retryable"])]
    if turn.state == "cancelled":
        return [*frames, Cancelled(turn.turn_id, attempt)]
    usage = msgspec.convert(document["usage"], UsageShown)
    latency = msgspec.convert(document["latency_ms"], Latency)
    reason = document["finish_reason"] or "stop"
    cost, model = document["cost_usd"], document["model"]
    return [*frames, Completed(turn.turn_id, attempt, usage, cost, latency, model, reason)]
