"""Add what an answer needs: the conversation so far, the bot, its template and a deadline."""

from datetime import datetime, timedelta

from msgspec import Struct

from sluice.bots import Bot, Template
from sluice.errors import ErrorCode
from sluice.events import ChatRequested, Exchange, Hop, Refusal, RequestEnriched, TurnFinished
from sluice.ids import derived_event_id


class Conversation(Struct, frozen=True, kw_only=True):
    """What the enrich stage keeps for a session. Redacted text only."""

    user_id: str
    exchanges: tuple[Exchange, ...] = ()
    finished: tuple[str, ...] = ()
    last_requested: str | None = None


def requested(conversation: Conversation | None, request: ChatRequested) -> Conversation:
    """Note that a turn is under way. Idempotent."""
    current = conversation or Conversation(user_id=request.user_id)
    return Conversation(
        user_id=current.user_id,
        exchanges=current.exchanges,
        finished=current.finished,
        last_requested=request.turn_id,
    )


def finished(conversation: Conversation | None, turn: TurnFinished, keep: int) -> Conversation:
    """Add a finished turn, set by its id: a repeat changes nothing. Only whole answers go into the history."""
    current = conversation or Conversation(user_id=turn.user_id)
    if turn.turn_id in current.finished:
        return current
    exchanges = current.exchanges
    if turn.state == "completed":
        exchange = Exchange(turn_id=turn.turn_id, question=turn.question, answer=turn.answer)
        exchanges = (*exchanges, exchange)[-keep:] if keep else ()
    return Conversation(
        user_id=current.user_id,
        exchanges=exchanges,
        finished=(*current.finished, turn.turn_id)[-2 * max(keep, 1) :],
        last_requested=current.last_requested,
    )


def awaits(conversation: Conversation | None, request: ChatRequested) -> str | None:
    """The turn before this one, where its end has not been seen yet."""
    if conversation is None or conversation.last_requested in (None, request.turn_id):
        return None
    return None if conversation.last_requested in conversation.finished else conversation.last_requested


def enrich(
    request: ChatRequested,
    conversation: Conversation | None,
    bot: Bot | None,
    template: Template | None,
    *,
    history_incomplete: bool,
    entered_at: datetime,
    left_at: datetime,
) -> RequestEnriched:
    """The enriched request; with a refusal and without text where the turn must not go on."""
    refusal = _refusal(request, conversation, bot)
    seconds = bot.limits.total_seconds if bot else 0.0
    return RequestEnriched(
        event_id=derived_event_id(request.turn_id, "enriched"),
        occurred_at=left_at,
        traceparent=request.traceparent,
        turn_id=request.turn_id,
        session_id=request.session_id,
        user_id=request.user_id,
        bot=request.bot,
        text=None if refusal else request.text,
        history=conversation.exchanges if conversation and not refusal else (),
        history_incomplete=history_incomplete,
        template_id=template.id if template else "",
        template_hash=template.hash if template else "",
        redaction_policy=bot.redaction if bot else "",
        deadline_at=entered_at + timedelta(seconds=seconds),
        refusal=refusal,
        hops=(*request.hops, Hop(stage="enrich", entered_at=entered_at, left_at=left_at)),
    )


def _refusal(request: ChatRequested, conversation: Conversation | None, bot: Bot | None) -> Refusal | None:
    if conversation is not None and conversation.user_id != request.user_id:
        return Refusal(code=ErrorCode.SESSION_FORBIDDEN.value, stage="enrich", retryable=False)
    if bot is None:
        return Refusal(code=ErrorCode.BOT_UNKNOWN.value, stage="enrich", retryable=False)
    return None
