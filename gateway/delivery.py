"""A turn's times as its client saw them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gateway.frames import TERMINAL_FRAMES, Completed, Delta, ServerFrame
from sluice.clock import Clock, milliseconds_between
from sluice.events import TurnTimed
from sluice.ids import derived_event_id
from sluice.metrics import Metrics
from sluice.tracing import new_traceparent

_MOST_TURNS = 1000


@dataclass(slots=True)
class _Turn:
    session_id: str
    bot: str
    accepted_at: datetime
    first_delta_at: datetime | None = None


@dataclass(slots=True)
class DeliveryTimes:
    """Of the turns one connection asked for. `sent` gives the telemetry event when a turn's terminal has gone out."""

    user_id: str
    clock: Clock
    metrics: Metrics
    new_trace: Callable[[], str] = new_traceparent
    _turns: dict[str, _Turn] = field(default_factory=dict)

    def accepted(self, turn_id: str, session_id: str, bot: str, at: datetime) -> None:
        """The connection asked for this turn."""
        if len(self._turns) < _MOST_TURNS:
            self._turns[turn_id] = _Turn(session_id, bot, at)

    def sent(self, frame: ServerFrame) -> TurnTimed | None:
        """A frame was handed to the socket."""
        turn_id = getattr(frame, "turn_id", "")
        turn = self._turns.get(turn_id)
        if turn is None:
            return None
        now = self.clock()
        if isinstance(frame, Delta) and turn.first_delta_at is None:
            turn.first_delta_at = now
        if not isinstance(frame, TERMINAL_FRAMES):
            return None
        del self._turns[turn_id]
        first = milliseconds_between(turn.accepted_at, turn.first_delta_at) if turn.first_delta_at else None
        overhead = _overhead(frame, first)
        if overhead is not None:
            self.metrics.observe("sluice_overhead_seconds", overhead / 1000)
        return TurnTimed(
            event_id=derived_event_id(turn_id, "turn-timed"),
            occurred_at=now,
            traceparent=self.new_trace(),
            turn_id=turn_id,
            session_id=turn.session_id,
            user_id=self.user_id,
            bot=turn.bot,
            first_delta_ms=first,
            total_ms=milliseconds_between(turn.accepted_at, now),
            overhead_ms=overhead,
        )


def _overhead(frame: ServerFrame, first_delta_ms: float | None) -> float | None:
    """The client's first delta without the model's part, which the completed frame tells."""
    if not isinstance(frame, Completed) or first_delta_ms is None:
        return None
    if frame.latency_ms.first_delta is None or frame.latency_ms.overhead is None:
        return None
    return max(0.0, first_delta_ms - (frame.latency_ms.first_delta - frame.latency_ms.overhead))
