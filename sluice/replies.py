"""What readers make of a turn's replies: one pure reducer for all of them.

A `started` with a higher number retires earlier attempts; within an attempt, deltas count once and in order; the
first terminal ends the turn and whatever follows is ignored.
"""

from dataclasses import dataclass, field

from sluice.events import (
    AttemptReset,
    AttemptStarted,
    DeltaProduced,
    ReplyEvent,
    TerminalEvent,
)


@dataclass(slots=True)
class Reply:
    """The visible state of one turn."""

    turn_id: str
    session_id: str
    user_id: str
    attempt: int = 0
    started: AttemptStarted | None = None
    pieces: list[str] = field(default_factory=list)
    terminal: TerminalEvent | None = None
    characters: int = 0

    def apply(self, event: ReplyEvent) -> bool:
        """Take an event. False where it changes nothing: late, repeated or of a retired attempt."""
        if self.terminal is not None:
            return False
        if isinstance(event, DeltaProduced):
            if event.attempt != self.attempt or event.seq != len(self.pieces):
                return False
            self.pieces.append(event.text)
            self.characters += len(event.text)
            return True
        if isinstance(event, AttemptStarted | AttemptReset):
            if event.attempt <= self.attempt:
                return False
            self.attempt, self.pieces, self.characters = event.attempt, [], 0
            self.started = event if isinstance(event, AttemptStarted) else None
            return True
        if event.attempt < self.attempt:
            return False
        self.terminal = event
        return True

    @property
    def text(self) -> str:
        """All that the newest attempt has said."""
        return "".join(self.pieces)

    @property
    def last_seq(self) -> int:
        """Of the newest delta; -1 where nothing was said."""
        return len(self.pieces) - 1


def reply_of(event: ReplyEvent) -> Reply:
    """An empty state for the turn of an event."""
    return Reply(turn_id=event.turn_id, session_id=event.session_id, user_id=event.user_id)
