"""From the partitions of `chat-replies` to the readers of each session."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.frames import ServerFrame
from gateway.rendering import frame_of
from sluice.clock import Clock
from sluice.events import ReplyEvent
from sluice.replies import Reply, reply_of

Deliver = Callable[[ServerFrame], None]
LONGEST_TURN = timedelta(minutes=10)
_KEEP_FINISHED = timedelta(minutes=2)
Due = deque[tuple[datetime, str]]


@dataclass(slots=True)
class Hub:
    """State of the turns in the partitions this gateway reads, and who listens. Runs on the event loop only.

    A turn leaves two minutes after its end, or when it has lasted longer than a turn can and no end has come.
    """

    clock: Clock
    replies: dict[str, Reply] = field(default_factory=dict)
    _listeners: dict[tuple[str, str], set[Deliver]] = field(default_factory=lambda: defaultdict(set))
    _by_session: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    _begun: Due = field(default_factory=deque)
    _finished: Due = field(default_factory=deque)

    def listen(self, user_id: str, session_id: str, deliver: Deliver) -> None:
        """Hand every visible event of this person's session to `deliver` from now on.

        Session ids are the clients' choice: who names somebody else's hears nothing.
        """
        self._listeners[user_id, session_id].add(deliver)

    def leave(self, user_id: str, session_id: str, deliver: Deliver) -> None:
        """Stop doing so."""
        listeners = self._listeners.get((user_id, session_id))
        if listeners is not None:
            listeners.discard(deliver)
            if not listeners:
                del self._listeners[user_id, session_id]

    def replies_of(self, user_id: str, session_id: str) -> list[Reply]:
        """Turns of this person's session that this gateway has seen lately, oldest first."""
        self._forget_old()
        found = (self.replies[turn_id] for turn_id in self._by_session.get(session_id, ()))
        return [reply for reply in found if reply.user_id == user_id]

    def take(self, event: ReplyEvent) -> None:
        """Apply one event and pass it on where it is visible."""
        reply = self.replies.get(event.turn_id)
        if reply is None:
            reply = self._meet(event)
        if not reply.apply(event):
            return
        if reply.terminal is not None:
            self._finished.append((self.clock(), event.turn_id))
            self._forget_old()
        listeners = self._listeners.get((event.user_id, event.session_id))
        if listeners:
            frame = frame_of(event, reply.attempt)
            for deliver in tuple(listeners):
                deliver(frame)

    def _meet(self, event: ReplyEvent) -> Reply:
        self._forget_old()
        reply = self.replies[event.turn_id] = reply_of(event)
        self._by_session[event.session_id][event.turn_id] = None
        self._begun.append((self.clock(), event.turn_id))
        return reply

    def _forget_old(self) -> None:
        now = self.clock()
        for due, keep in ((self._finished, _KEEP_FINISHED), (self._begun, LONGEST_TURN + _KEEP_FINISHED)):
            while due and due[0][0] < now - keep:
                self._forget(due.popleft()[1])

    def _forget(self, turn_id: str) -> None:
        reply = self.replies.pop(turn_id, None)
        if reply is not None:
            turns = self._by_session[reply.session_id]
            turns.pop(turn_id, None)
            if not turns:
                del self._by_session[reply.session_id]
