"""From the partitions of `chat-replies` to the readers of each session."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from gateway.frames import Delta, ServerFrame
from gateway.rendering import frame_of
from sluice.clock import Clock
from sluice.events import AttemptReset, AttemptStarted, DeltaProduced, ReplyEvent
from sluice.placeholders import OpenMap, Restorer, show_none
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
    open_map: OpenMap = show_none
    replies: dict[str, Reply] = field(default_factory=dict)
    """With the values in the places of their placeholders."""
    _restorers: dict[str, Restorer] = field(default_factory=dict)
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

    def forget(self, user_id: str) -> None:
        """What this person was told. Turns under way go on: their end is still to be told."""
        for turn_id in [name for name, reply in self.replies.items() if reply.user_id == user_id and reply.terminal]:
            self._forget(turn_id)

    def take(self, event: ReplyEvent) -> None:
        """Apply one event and pass it on where it is visible."""
        reply = self.replies.get(event.turn_id)
        if reply is None:
            reply = self._meet(event)
        if not reply.apply(event):
            return
        frames = self._frames(event, reply)
        if reply.terminal is not None:
            self._finished.append((self.clock(), event.turn_id))
            self._forget_old()
        for deliver in tuple(self._listeners.get((event.user_id, event.session_id), ())):
            for frame in frames:
                deliver(frame)

    def _frames(self, event: ReplyEvent, reply: Reply) -> list[ServerFrame]:
        """One, or two where the end of the turn brings out the last of its text."""
        restorer, frame = self._restorers.get(event.turn_id), frame_of(event, reply.attempt)
        match event:
            case AttemptStarted() if event.placeholders is not None:
                values = self.open_map(event.placeholders, event.user_id)
                self._restorers[event.turn_id] = Restorer(values)
            case AttemptReset() if restorer is not None:
                restorer.begin_again()
            case DeltaProduced() if restorer is not None:
                reply.pieces[-1] = restorer.take(event.text)
                return [msgspec.structs.replace(frame, text=reply.pieces[-1])]
            case _ if reply.terminal is not None and restorer is not None:
                del self._restorers[event.turn_id]
                if rest := restorer.finish():
                    reply.pieces.append(rest)
                    seq = reply.last_seq
                    return [Delta(event.turn_id, reply.attempt, seq, seq, rest), frame]
        return [frame]

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
        self._restorers.pop(turn_id, None)
        if reply is not None:
            turns = self._by_session[reply.session_id]
            turns.pop(turn_id, None)
            if not turns:
                del self._by_session[reply.session_id]
