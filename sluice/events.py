"""Everything that can be said on the log. Field meanings are in `avro/schemas/`; a contract test keeps both equal.

Times are aware UTC datetimes with microseconds; money is a `Decimal` in US dollars with ten places.
"""

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from sluice.safe_text import EMPTY, SafeText, Sealed

Stage = Literal["accept", "enrich", "redact", "respond"]
TurnState = Literal["completed", "failed", "cancelled"]
Rating = Literal["up", "down"]
ContextRole = Literal["system", "user", "assistant"]
AttemptOutcome = Literal["completed", "failed", "cancelled", "abandoned"]
StageOutcome = Literal["passed", "refused", "completed", "failed", "cancelled"]


class Hop(Struct, frozen=True, kw_only=True):
    """One stage's time with a turn."""

    stage: str
    entered_at: datetime
    left_at: datetime


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a stage ended the turn before the model was asked."""

    code: str
    stage: str
    retryable: bool


class Exchange(Struct, frozen=True, kw_only=True):
    """An earlier question with its answer, redacted."""

    turn_id: str
    question: SafeText
    answer: SafeText


class Usage(Struct, frozen=True, kw_only=True):
    """Tokens of one attempt or turn."""

    prompt_tokens: int
    completion_tokens: int
    estimated: bool


class Sampling(Struct, frozen=True, kw_only=True):
    """How the model is to choose its words, as the client asked; None leaves it to the model."""

    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[SafeText, ...]


class ContextMessage(Struct, frozen=True, kw_only=True):
    """One message of a client's own list, redacted."""

    role: ContextRole
    content: SafeText


class Event(Struct, frozen=True, kw_only=True):
    """What every event carries."""

    event_id: str
    occurred_at: datetime
    traceparent: str


class TurnEvent(Event, frozen=True, kw_only=True):
    """What every event of a turn carries."""

    turn_id: str
    session_id: str
    user_id: str


class ChatRequested(TurnEvent, frozen=True, kw_only=True):
    """A person's message was accepted by a gateway."""

    client_msg_id: str
    bot: str
    text: Sealed
    hops: tuple[Hop, ...]
    context: Sealed | None = None
    sampling: Sampling | None = None
    channel: str = "chat"


class RequestEnriched(TurnEvent, frozen=True, kw_only=True):
    """The request with all it needs for an answer."""

    bot: str
    text: Sealed | None = None
    history: tuple[Exchange, ...]
    history_incomplete: bool
    template_id: str
    template_hash: str
    redaction_policy: str
    deadline_at: datetime
    refusal: Refusal | None = None
    hops: tuple[Hop, ...]
    repeated: bool = False
    context: Sealed | None = None
    sampling: Sampling | None = None


class PromptReady(TurnEvent, frozen=True, kw_only=True):
    """The redacted request, fit for a model."""

    bot: str
    question: SafeText
    history: tuple[Exchange, ...]
    history_incomplete: bool
    template_id: str
    template_hash: str
    deadline_at: datetime
    placeholders: Sealed | None = None
    redacted_types: dict[str, int]
    refusal: Refusal | None = None
    hops: tuple[Hop, ...]
    repeated: bool = False
    context: tuple[ContextMessage, ...] | None = None
    sampling: Sampling | None = None


class AttemptStarted(TurnEvent, frozen=True, kw_only=True):
    """A model is about to be asked. Its place in the log orders the attempts."""

    attempt: int
    model: str
    attempt_id: str = ""
    epoch: int = 0
    continues: str = ""
    hedge: bool = False
    dropped_turns: int = 0
    summary: SafeText = EMPTY
    prompt_hash: str = ""
    prefilled: int = 0
    instructions: SafeText = EMPTY
    purpose: str = "answer"
    place: int = 0
    placeholders: Sealed | None = None


class DeltaProduced(TurnEvent, frozen=True, kw_only=True):
    """A piece of the answer."""

    attempt: int
    seq: int
    text: SafeText
    attempt_id: str = ""


class AttemptReset(TurnEvent, frozen=True, kw_only=True):
    """What this attempt said so far is void. A new attempt follows, or the end."""

    attempt: int
    reason: str
    attempt_id: str = ""


class TurnCompleted(TurnEvent, frozen=True, kw_only=True):
    """The answer is whole."""

    attempt: int
    deltas: int
    model: str
    finish_reason: str
    usage: Usage
    cost_usd: Decimal
    first_delta_ms: float | None = None
    total_ms: float
    first_token_ms: float | None = None
    placeholders: Sealed | None = None
    attempt_id: str = ""
    epoch: int = 0
    fallback: bool = False


class TurnFailed(TurnEvent, frozen=True, kw_only=True):
    """The turn ended without a whole answer."""

    attempt: int
    code: str
    message: str
    retryable: bool
    attempt_id: str = ""
    epoch: int = 0


class TurnCancelled(TurnEvent, frozen=True, kw_only=True):
    """The person stopped the turn."""

    attempt: int
    deltas: int
    attempt_id: str = ""
    epoch: int = 0


class TurnFinished(TurnEvent, frozen=True, kw_only=True):
    """The whole turn in one record, for history and warehouse."""

    bot: str
    state: TurnState
    error_code: str | None = None
    question: SafeText
    answer: SafeText
    attempts: int
    model: str | None = None
    finish_reason: str | None = None
    usage: Usage
    cost_usd: Decimal
    first_delta_ms: float | None = None
    total_ms: float
    first_token_ms: float | None = None
    template_id: str
    template_hash: str
    redacted_types: dict[str, int]
    placeholders: Sealed | None = None
    accepted_at: datetime
    hops: tuple[Hop, ...]
    attempt_id: str = ""
    epoch: int = 0
    fallback: bool = False


class StopRequested(TurnEvent, frozen=True, kw_only=True):
    """A person wants the turn to end."""


class FeedbackGiven(TurnEvent, frozen=True, kw_only=True):
    """A person judged an answer."""

    rating: Rating
    comment: Sealed | None = None


class AttemptMetered(TurnEvent, frozen=True, kw_only=True):
    """One row of the usage ledger: one call of a model, whatever its end."""

    bot: str
    attempt: int
    model: str
    provider_call_id: str | None = None
    usage: Usage
    cost_usd: Decimal
    price_version: str
    outcome: AttemptOutcome
    finish_reason: str | None = None
    error_code: str | None = None
    started_at: datetime
    first_token_ms: float | None = None
    duration_ms: float
    template_id: str
    template_hash: str
    attempt_id: str = ""
    failure: str = ""
    purpose: str = "answer"


class StageTimed(TurnEvent, frozen=True, kw_only=True):
    """A stage has done its part of a turn."""

    bot: str
    stage: str
    entered_at: datetime
    left_at: datetime
    outcome: StageOutcome
    error_code: str | None = None


class TurnTimed(TurnEvent, frozen=True, kw_only=True):
    """A turn as its client saw it, measured at the gateway."""

    bot: str
    first_delta_ms: float | None = None
    total_ms: float
    overhead_ms: float | None = None


class AuditRecorded(Event, frozen=True, kw_only=True):
    """Somebody did something that must leave a mark."""

    actor_id: str
    action: str
    subject_id: str | None = None
    outcome: str
    reason: str | None = None
    times: int = 1
    place: int = -1
    previous: str = ""
    seal: str = ""


class ErasureRequested(Event, frozen=True, kw_only=True):
    """A person's data must go."""

    user_id: str
    requested_by: str


class ErasureCompleted(Event, frozen=True, kw_only=True):
    """Nothing that was said before can be read any more, and nothing kept names the person."""

    user_id: str
    request_id: str
    erased_at: datetime
    turns_stopped: int
    keys: int
    letters: int
    rows: int


class PersonErased(Event, frozen=True, kw_only=True):
    """Stages forget what they keep of the person. One copy for each partition of the chat topics."""

    user_id: str
    erased_at: datetime


class StateExpired(Event, frozen=True, kw_only=True):
    """Stages forget what nobody has touched since. One copy for each partition of the chat topics."""

    before: datetime


class DeadLetter(Event, frozen=True, kw_only=True):
    """A record that a reader could not use."""

    reason: str
    detail: str
    consumer_group: str
    origin_topic: str
    origin_partition: int
    origin_offset: int
    origin_timestamp: datetime
    key: Sealed | None = None
    value: Sealed | None = None


ReplyEvent = AttemptStarted | DeltaProduced | AttemptReset | TurnCompleted | TurnFailed | TurnCancelled
TerminalEvent = TurnCompleted | TurnFailed | TurnCancelled
ControlEvent = StopRequested | FeedbackGiven

EVENT_TYPES: dict[str, type[Event]] = {
    event.__name__: event
    for event in (
        ChatRequested,
        RequestEnriched,
        PromptReady,
        AttemptStarted,
        DeltaProduced,
        AttemptReset,
        TurnCompleted,
        TurnFailed,
        TurnCancelled,
        TurnFinished,
        StopRequested,
        FeedbackGiven,
        AttemptMetered,
        StageTimed,
        TurnTimed,
        AuditRecorded,
        ErasureRequested,
        ErasureCompleted,
        PersonErased,
        StateExpired,
        DeadLetter,
    )
}
