"""Add what an answer needs: the conversation so far, the bot, its template and a deadline."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from sluice.bots import Bot, Template
from sluice.errors import ErrorCode
from sluice.events import ChatRequested, Exchange, Hop, Refusal, RequestEnriched, TurnFinished
from sluice.ids import derived_event_id, may_be_resent


class Conversation(Struct, frozen=True, kw_only=True):
    """What the enrich stage keeps for a session. Redacted text only."""

    user_id: str
    exchanges: tuple[Exchange, ...] = ()
    ranks: dict[str, tuple[int, int]] = {}
    """Finished turns, newest last, with (epoch, attempts) of the record that counts: see `finished`."""
    requested: tuple[str, ...] = ()
    """Turns passed on, newest last."""
    touched_at: datetime | None = None
    """Time of the newest event in it."""


_REMEMBERED = 64
_HISTORY_BYTES = 400_000


def requested(conversation: Conversation | None, request: ChatRequested) -> Conversation:
    """Note that a turn has begun."""
    current = conversation or Conversation(user_id=request.user_id)
    if request.turn_id in current.requested:
        return current
    known = (*current.requested, request.turn_id)[-_REMEMBERED:]
    return replace(current, requested=known, touched_at=_later(current.touched_at, request.occurred_at))


def finished(conversation: Conversation | None, turn: TurnFinished, keep: int) -> Conversation:
    """Add a finished turn, set by its id: a repeat changes nothing. Only whole answers go into the history.

    A turn that was taken over may be finished twice; the record of the higher (epoch, attempts) counts, whichever
    comes first.
    """
    current = conversation or Conversation(user_id=turn.user_id)
    rank = (turn.epoch, turn.attempts)
    if turn.turn_id in current.ranks and rank <= tuple(current.ranks[turn.turn_id]):
        return current
    exchanges = tuple(exchange for exchange in current.exchanges if exchange.turn_id != turn.turn_id)
    if turn.state == "completed":
        exchange = Exchange(turn_id=turn.turn_id, question=turn.question, answer=turn.answer)
        exchanges = fitting((*exchanges, exchange)[-keep:], _HISTORY_BYTES) if keep else ()
    ranks = [*current.ranks.items(), (turn.turn_id, rank)][-_REMEMBERED:]
    touched_at = _later(current.touched_at, turn.occurred_at)
    return replace(current, exchanges=exchanges, ranks=dict(ranks), touched_at=touched_at)


def _later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)


def awaits(conversation: Conversation | None, request: ChatRequested) -> str | None:
    """The turn before this one, where its end has not been seen yet."""
    if conversation is None or request.context is not None:
        return None
    earlier = conversation.requested
    if request.turn_id in earlier:
        earlier = earlier[: earlier.index(request.turn_id)]
    return earlier[-1] if earlier and earlier[-1] not in conversation.ranks else None


def fitting(exchanges: Sequence[Exchange], limit_bytes: int) -> tuple[Exchange, ...]:
    """The newest that fit together, so that no record outgrows the log's limit."""
    kept: list[Exchange] = []
    for exchange in reversed(exchanges):
        limit_bytes -= len(exchange.question.encode()) + len(exchange.answer.encode())
        if limit_bytes < 0:
            break
        kept.append(exchange)
    return tuple(reversed(kept))


def enrich(
    request: ChatRequested,
    conversation: Conversation | None,
    bot: Bot | None,
    template: Template | None,
    *,
    history_incomplete: bool,
    repeated: bool,
    entered_at: datetime,
    left_at: datetime,
) -> RequestEnriched:
    """The enriched request; with a refusal and without text where the turn must not go on.

    A client that brings its own context has no conversation here. That nothing is remembered of it also means that
    nobody can say whether a message it may have resent was passed on before: the respond stage looks.
    """
    if request.context is not None:
        conversation, repeated = None, repeated or may_be_resent(request.client_msg_id)
    refusal = _refusal(request, conversation, bot)
    known = conversation is not None and request.turn_id in conversation.requested
    before = [e for e in conversation.exchanges if e.turn_id != request.turn_id] if conversation else []
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
        history=() if refusal else fitting(before, _HISTORY_BYTES),
        history_incomplete=history_incomplete,
        template_id=template.id if template else "",
        template_hash=template.hash if template else "",
        redaction_policy=bot.redaction if bot else "",
        deadline_at=entered_at + timedelta(seconds=seconds),
        refusal=refusal,
        hops=(*request.hops, Hop(stage="enrich", entered_at=entered_at, left_at=left_at)),
        repeated=repeated or known,
        context=None if refusal else request.context,
        sampling=None if refusal else request.sampling,
    )


def _refusal(request: ChatRequested, conversation: Conversation | None, bot: Bot | None) -> Refusal | None:
    if conversation is not None and conversation.user_id != request.user_id:
        return Refusal(code=ErrorCode.SESSION_FORBIDDEN.value, stage="enrich", retryable=False)
    if bot is None:
        return Refusal(code=ErrorCode.BOT_UNKNOWN.value, stage="enrich", retryable=False)
    return None
