"""Reply events as frames."""

from gateway.frames import (
    Cancelled,
    Completed,
    Delta,
    Failed,
    Latency,
    Reset,
    ServerFrame,
    Snapshot,
    Started,
    UsageShown,
)
from sluice.events import (
    AttemptReset,
    AttemptStarted,
    DeltaProduced,
    ReplyEvent,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
)
from sluice.replies import Reply

Cursor = tuple[str, int, int]
"""turn_id, attempt and the last seq seen."""


def frame_of(event: ReplyEvent, attempt: int) -> ServerFrame:
    """One event, one frame. `attempt` is the number readers see: see sluice.replies."""
    match event:
        case DeltaProduced():
            return Delta(event.turn_id, attempt, event.seq, event.seq, event.text)
        case AttemptStarted():
            return Started(event.turn_id, event.session_id, attempt, event.model, bool(event.continues))
        case AttemptReset():
            return Reset(event.turn_id, attempt)
        case TurnCompleted():
            return _completed(event, attempt)
        case TurnFailed():
            return Failed(event.turn_id, event.code, event.message, event.retryable)
        case TurnCancelled():
            return Cancelled(event.turn_id, attempt)


def overhead_ms(first_delta_ms: float | None, first_token_ms: float | None) -> float | None:
    """What the platform adds before the first delta: without the model's own time."""
    if first_delta_ms is None or first_token_ms is None:
        return None
    return max(0.0, first_delta_ms - first_token_ms)


def money(cost_usd: object) -> str:
    """Plain digits, never an exponent, without needless zeros."""
    text = f"{cost_usd:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _completed(event: TurnCompleted, attempt: int) -> Completed:
    usage = UsageShown(event.usage.prompt_tokens, event.usage.completion_tokens, event.usage.estimated)
    latency = Latency(event.first_delta_ms, event.total_ms, overhead_ms(event.first_delta_ms, event.first_token_ms))
    return Completed(event.turn_id, attempt, usage, money(event.cost_usd), latency, event.model, event.finish_reason)


def catch_up(reply: Reply, cursor: Cursor | None) -> list[ServerFrame]:
    """What a client at `cursor` misses of a reply: the missing text where it saw this attempt, else all of it."""
    frames: list[ServerFrame] = []
    if reply.attempt:
        turn_id, attempt, seq = cursor or ("", 0, -1)
        if turn_id == reply.turn_id and attempt == reply.attempt and -1 <= seq <= reply.last_seq:
            if seq < reply.last_seq:
                missing = "".join(reply.pieces[seq + 1 :])
                frames.append(Delta(reply.turn_id, reply.attempt, reply.last_seq, seq + 1, missing))
        else:
            if reply.started is not None:
                frames.append(frame_of(reply.started, reply.attempt))
            frames.append(Snapshot(reply.turn_id, reply.session_id, reply.attempt, reply.last_seq, reply.text))
    if reply.terminal is not None:
        frames.append(frame_of(reply.terminal, reply.attempt))
    return frames


def read_cursor(cursor: str | None) -> Cursor | None:
    """`turn_id:attempt:seq`."""
    if cursor is None:
        return None
    turn_id, attempt, seq = cursor.rsplit(":", 2)
    return turn_id, int(attempt), int(seq)
