"""One attempt at a turn as the log has it: what was said, and the events that tell of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from agents.failures import FailureKind
from agents.prompting import WHOLE, Shape
from sluice.events import AttemptReset, AttemptStarted, DeltaProduced, PromptReady
from sluice.ids import derived_event_id
from sluice.safe_text import EMPTY, SafeText, join

Purpose = Literal["answer", "summary", "no_call"]
"""What is announced: a call that answers, one that sums up, or words that no model is asked for."""


@dataclass(slots=True)
class Voice:
    """One attempt, from its announcement to its last word."""

    ready: PromptReady
    attempt_id: str
    epoch: int
    number: int
    model: str
    started_at: datetime
    continues: str = ""
    prompt_hash: str = ""
    instructions: SafeText = EMPTY
    shape: Shape = WHOLE
    purpose: Purpose = "answer"
    place: int = 0
    """Of the route in its bot's file."""
    pieces: list[SafeText] = field(default_factory=list)
    first_delta_at: datetime | None = None

    @property
    def text(self) -> SafeText:
        """All that was said."""
        return join(self.pieces)

    def started(self, *, hedge: bool = False, promoted: bool = False) -> AttemptStarted:
        """A model is about to be asked; or the call beside another has won."""
        return AttemptStarted(
            **self._head("promoted" if promoted else "started", self.started_at),
            epoch=self.epoch,
            model=self.model,
            continues=self.continues,
            hedge=hedge,
            dropped_turns=self.shape.dropped,
            summary=self.shape.summary,
            prompt_hash=self.prompt_hash,
            prefilled=len(self.shape.prefill),
            instructions=self.instructions,
            purpose=self.purpose,
            place=self.place,
            placeholders=self.ready.placeholders,
        )

    def delta(self, text: SafeText, now: datetime) -> DeltaProduced:
        """Note a piece and make its event."""
        self.first_delta_at = self.first_delta_at or now
        seq = len(self.pieces)
        self.pieces.append(text)
        return DeltaProduced(**self._head(seq, now), seq=seq, text=text)

    def reset(self, kind: FailureKind, now: datetime) -> AttemptReset:
        """What it said is void."""
        self.pieces.clear()
        return AttemptReset(**self._head("reset", now), reason=kind.value)

    def _head(self, name: str | int, now: datetime) -> dict[str, Any]:
        return {
            "event_id": derived_event_id(self.attempt_id, name),
            "occurred_at": now,
            "traceparent": self.ready.traceparent,
            "turn_id": self.ready.turn_id,
            "session_id": self.ready.session_id,
            "user_id": self.ready.user_id,
            "attempt": self.number,
            "attempt_id": self.attempt_id,
        }
