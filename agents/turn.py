"""One pass of one turn through the respond stage: what was said so far, and the events that tell of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from agents.account import NOTHING, Attempt
from agents.closing import Outcome
from agents.ports import Earlier, Ended, Log
from sluice.bots import Route
from sluice.errors import ErrorCode
from sluice.events import AttemptStarted, DeltaProduced, PromptReady, Usage
from sluice.ids import derived_event_id
from sluice.safe_text import SafeText


@dataclass(slots=True)
class Turn:
    """One pass of one turn: its attempt, and what has been said so far."""

    ready: PromptReady
    entered_at: datetime
    log: Log
    attempt_id: str
    epoch: int
    number: int = 1
    pieces: list[SafeText] = field(default_factory=list)
    first_token_at: datetime | None = None
    ended: Ended | None = None

    @property
    def text(self) -> SafeText:
        """All that was said."""
        return SafeText("".join(self.pieces))

    def counts_in(self, now: Earlier) -> bool:
        """Whether readers listen to this attempt: no newer owner has begun, and the turn had not ended before."""
        return now.reply is not None and now.reply.terminal is None and now.reply.attempt_id == self.attempt_id

    def started(self, route: Route, now: datetime) -> AttemptStarted:
        """A model is about to be asked."""
        return AttemptStarted(
            occurred_at=now,
            event_id=derived_event_id(self.attempt_id, "started"),
            attempt=self.number,
            attempt_id=self.attempt_id,
            epoch=self.epoch,
            model=route.model,
            traceparent=self.ready.traceparent,
            turn_id=self.ready.turn_id,
            session_id=self.ready.session_id,
            user_id=self.ready.user_id,
        )

    def delta(self, text: SafeText, now: datetime) -> DeltaProduced:
        """Note a piece and make its event."""
        self.first_token_at = self.first_token_at or now
        seq = len(self.pieces)
        self.pieces.append(text)
        return DeltaProduced(
            occurred_at=now,
            event_id=derived_event_id(self.attempt_id, seq),
            attempt=self.number,
            attempt_id=self.attempt_id,
            seq=seq,
            text=text,
            traceparent=self.ready.traceparent,
            turn_id=self.ready.turn_id,
            session_id=self.ready.session_id,
            user_id=self.ready.user_id,
        )

    def attempt(
        self, route: Route, started_at: datetime, ended_at: datetime, outcome: Outcome, usage: Usage
    ) -> Attempt:
        """The attempt as far as it went."""
        return Attempt(
            number=self.number,
            attempt_id=self.attempt_id,
            route=route,
            started_at=started_at,
            first_token_at=self.first_token_at,
            ended_at=ended_at,
            outcome=outcome.state,
            usage=usage,
            call_id=outcome.call_id or (self.ended.call_id if self.ended else None),
            finish_reason=self.ended.finish_reason if self.ended else None,
            error=outcome.code,
        )

    def never_made(self, route: Route, started_at: datetime, ended_at: datetime) -> Attempt:
        """The attempt that was announced and asked no model."""
        return replace(self.attempt(route, started_at, ended_at, Outcome("cancelled"), NOTHING), outcome="abandoned")

    def judged(self) -> Outcome:
        """A stream that ended without trouble is still no whole answer in three cases."""
        if self.ended is None:
            return Outcome("failed", ErrorCode.MODEL_STREAM_BROKEN)
        if self.ended.finish_reason == "content_filter":
            return Outcome("failed", ErrorCode.MODEL_CONTENT_FILTERED)
        if not self.text.strip():
            return Outcome("failed", ErrorCode.MODEL_EMPTY_ANSWER)
        return Outcome("completed")
