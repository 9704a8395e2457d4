"""What readers make of a turn's replies: one pure reducer for all of them, so that all see the same.

The log decides. A `started` retires every attempt before it, unless its writer owned the partition in an earlier
generation of the consumer group than the present attempt's writer: such a zombie is not listened to. Within the
newest attempt, deltas count once and in order; its first terminal ends the turn and whatever follows is ignored.

Attempts are told apart by `attempt_id`, not by number: two workers may both have counted to 2. The number that
clients see rises by at least one with every attempt that counts. A hedge, a second call beside a running one, counts
only once it is announced again without that mark.
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
    """The visible state of one turn. `attempts` has every attempt met so far, also those that never counted."""

    turn_id: str
    session_id: str
    user_id: str
    attempt: int = 0
    attempt_id: str = ""
    epoch: int = 0
    started: AttemptStarted | None = None
    pieces: list[str] = field(default_factory=list)
    terminal: TerminalEvent | None = None
    characters: int = 0
    attempts: dict[str, AttemptStarted] = field(default_factory=dict)

    def apply(self, event: ReplyEvent) -> bool:
        """Take an event. False where it changes nothing visible: late, repeated or of a retired attempt."""
        if isinstance(event, AttemptStarted):
            return self._start(event)
        if self.terminal is not None:
            return False
        of_newest = _name(event) == self.attempt_id
        if isinstance(event, DeltaProduced):
            if not of_newest or event.seq != len(self.pieces):
                return False
            self.pieces.append(event.text)
            self.characters += len(event.text)
            return True
        if isinstance(event, AttemptReset):
            if of_newest:
                self.pieces, self.characters = [], 0
            return of_newest
        if not of_newest and (_name(event) in self.attempts or event.epoch < self.epoch):
            return False
        self.terminal = event
        return True

    def _start(self, event: AttemptStarted) -> bool:
        name = _name(event)
        known = name in self.attempts and not self.attempts[name].hedge
        if not known:
            self.attempts[name] = event
        if known or event.hedge or self.terminal is not None or event.epoch < self.epoch:
            return False
        self.attempt = max(event.attempt, self.attempt + 1)
        self.attempt_id, self.epoch, self.started = name, event.epoch, event
        self.pieces, self.characters = [], 0
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


def _name(event: ReplyEvent) -> str:
    """Records of the first release have a number only."""
    return event.attempt_id or f"#{event.attempt}"
