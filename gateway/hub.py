"""From the partitions of `chat-replies` to the readers of each session."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.frames import ServerFrame
from gateway.rendering import frame_of
from sluice.clock import Clock
from sluice.events import ReplyEvent
from sluice.replies import Reply, reply_of

Deliver = Callable[[ServerFrame], None]
OnFirstDelta = Callable[[ReplyEvent], None]
_KEEP_FINISHED = timedelta(minutes=2)


@dataclass(slots=True)
class Hub:
    """State of the turns in the partitions this gateway reads, and who listens. Runs on the event loop only."""

    clock: Clock
    replies: dict[str, Reply] = field(default_factory=dict)
    _listeners: dict[str, set[Deliver]] = field(default_factory=lambda: defaultdict(set))
    _by_session: dict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    _finished: list[tuple[datetime, str]] = field(default_factory=list)

    def listen(self, session_id: str, deliver: Deliver) -> None:
        """Hand every visible event of the session to `deliver` from now on."""
        self._listeners[session_id].add(deliver)

    def leave(self, session_id: str, deliver: Deliver) -> None:
        """Stop doing so."""
        listeners = self._listeners.get(session_id)
        if listeners is not None:
            listeners.discard(deliver)
            if not listeners:
                del self._listeners[session_id]

    def has_listeners(self, session_id: str) -> bool:
        """Whether anyone listens to the session."""
        return session_id in self._listeners

    def replies_of(self, session_id: str) -> list[Reply]:
        """Turns of the session that this gateway has seen lately, oldest first."""
        return [self.replies[turn_id] for turn_id in self._by_session.get(session_id, ()) if turn_id in self.replies]

    def take(self, event: ReplyEvent) -> None:
        """Apply one event and pass it on where it is visible."""
        reply = self.replies.get(event.turn_id)
        if reply is None:
            reply = self.replies[event.turn_id] = reply_of(event)
            self._by_session[event.session_id][event.turn_id] = None
        if not reply.apply(event):
            return
        if reply.terminal is not None:
            self._finished.append((self.clock(), event.turn_id))
            self._forget_old()
        listeners = self._listeners.get(event.session_id)
        if listeners:
            frame = frame_of(event, reply.attempt)
            for deliver in tuple(listeners):
                deliver(frame)

    def _forget_old(self) -> None:
        until = self.clock() - _KEEP_FINISHED
        while self._finished and self._finished[0][0] < until:
            turn_id = self._finished.pop(0)[1]
            reply = self.replies.pop(turn_id, None)
            if reply is not None:
                turns = self._by_session[reply.session_id]
                turns.pop(turn_id, None)
                if not turns:
                    del self._by_session[reply.session_id]
