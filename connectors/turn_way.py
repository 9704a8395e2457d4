"""The way of one turn through the platform, put together from its records."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple, get_args

from sluice.clock import milliseconds_between
from sluice.events import (
    AttemptMetered,
    AttemptStarted,
    Hop,
    ReplyEvent,
    StageTimed,
    TurnCancelled,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnFinished,
)
from sluice.replies import Reply, reply_of

State = Literal["running", "completed", "failed", "cancelled"]


class Record(NamedTuple):
    """One event of the turn, where it lies in the log."""

    topic: str
    partition: int
    offset: int
    event: TurnEvent


@dataclass(frozen=True, slots=True)
class StageVisit:
    """One stage's time with the turn. `outcome` is null where only a later stage's notes tell of it."""

    stage: str
    entered_at: datetime
    left_at: datetime
    outcome: str | None = None

    @property
    def duration_ms(self) -> float:
        """From taking the event to handing on."""
        return milliseconds_between(self.entered_at, self.left_at)


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """One call of a model: its row in the ledger, or `running` where there is none yet."""

    attempt: int
    model: str
    outcome: str
    started_at: datetime
    first_token_ms: float | None = None
    duration_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    estimated: bool | None = None
    cost_usd: Decimal | None = None
    error_code: str | None = None
    provider_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class TurnWay:
    """All that is known. `landed` are paths of files, `warehouse` are rows by model."""

    turn_id: str
    session_id: str | None
    state: State
    stages: tuple[StageVisit, ...] = ()
    attempts: tuple[AttemptMade, ...] = ()
    records: tuple[Record, ...] = ()
    landed: tuple[str, ...] = ()
    warehouse: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As interfaces say. Times are ISO 8601 in UTC, money is a string."""
        return {
            "turn_id": self.turn_id,
            "session_id": self.session_id,
            "state": self.state,
            "stages": [_plain(asdict(visit) | {"duration_ms": visit.duration_ms}) for visit in self.stages],
            "attempts": [_plain(asdict(attempt)) for attempt in self.attempts],
            "records": [
                {"topic": record.topic, "partition": record.partition, "offset": record.offset}
                for record in self.records
            ],
            "landed": [*self.landed],
            "warehouse": dict(self.warehouse),
        }


def way_of(turn_id: str, found: Iterable[Record]) -> TurnWay:
    """From the turn's records in any order. Landing and warehouse are filled in by who can look there."""
    records = tuple(sorted(found, key=lambda record: record[:3]))
    events = [record.event for record in records]
    return TurnWay(
        turn_id=turn_id,
        session_id=events[0].session_id if events else None,
        state=_state(events),
        stages=_stages(events),
        attempts=_attempts(events),
        records=records,
    )


def _state(events: list[TurnEvent]) -> State:
    for event in events:
        if isinstance(event, TurnFinished):
            return event.state
    reply: Reply | None = None
    for event in events:
        if isinstance(event, get_args(ReplyEvent)):
            reply = reply or reply_of(event)
            reply.apply(event)
    match reply.terminal if reply else None:
        case TurnCompleted():
            return "completed"
        case TurnFailed():
            return "failed"
        case TurnCancelled():
            return "cancelled"
        case None:
            return "running"


def _stages(events: list[TurnEvent]) -> tuple[StageVisit, ...]:
    visits: dict[str, StageVisit] = {}
    for event in events:
        if isinstance(event, StageTimed):
            visit = StageVisit(event.stage, event.entered_at, event.left_at, event.outcome)
            if visits.get(event.stage, visit).outcome is None or event.stage not in visits:
                visits[event.stage] = visit
        hops: tuple[Hop, ...] = getattr(event, "hops", ())
        for hop in hops:
            visits.setdefault(hop.stage, StageVisit(hop.stage, hop.entered_at, hop.left_at))
    return tuple(sorted(visits.values(), key=lambda visit: (visit.entered_at, visit.left_at)))


def _attempts(events: list[TurnEvent]) -> tuple[AttemptMade, ...]:
    made: dict[int, AttemptMade] = {}
    for event in events:
        if isinstance(event, AttemptStarted):
            made.setdefault(event.attempt, AttemptMade(event.attempt, event.model, "running", event.occurred_at))
    metered: set[int] = set()
    for event in events:
        if isinstance(event, AttemptMetered) and event.attempt not in metered:
            metered.add(event.attempt)
            made[event.attempt] = AttemptMade(
                attempt=event.attempt,
                model=event.model,
                outcome=event.outcome,
                started_at=event.started_at,
                first_token_ms=event.first_token_ms,
                duration_ms=event.duration_ms,
                prompt_tokens=event.usage.prompt_tokens,
                completion_tokens=event.usage.completion_tokens,
                estimated=event.usage.estimated,
                cost_usd=event.cost_usd,
                error_code=event.error_code,
                provider_call_id=event.provider_call_id,
            )
    return tuple(made[number] for number in sorted(made))


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat()
        if isinstance(value, datetime)
        else f"{value:.10f}"
        if isinstance(value, Decimal)
        else value
        for name, value in fields.items()
    }
