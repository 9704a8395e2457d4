"""What clients can ask for, whatever way they came: accept, stop, judge, look up. Raises Refused with a code."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.documents import StoredTurn, shown
from gateway.event_log import EventLog
from gateway.frames import Feedback, MessageSend
from gateway.history import History
from gateway.hub import LONGEST_TURN, Hub
from gateway.progress import HistoryReading
from sluice.audit import Mark
from sluice.bots import Bots
from sluice.clock import Clock
from sluice.erasure_log import requested
from sluice.errors import ErrorCode, Refused, Unavailable
from sluice.events import (
    ChatRequested,
    FeedbackGiven,
    Hop,
    Sampling,
    StageTimed,
    StopRequested,
)
from sluice.failpoints import Failpoints
from sluice.ids import derived_event_id, may_be_resent, new_id, says_too_much, turn_id_for
from sluice.own_context import SEALED_AS, OwnContext
from sluice.safe_text import Sealed
from sluice.sealing import CannotSeal, Sealer
from sluice.tracing import child_of, new_traceparent


@dataclass(slots=True)
class Turns:
    """The gateway's use cases. `closing` refuses new messages."""

    bots: Bots
    history: History
    reading: HistoryReading
    hub: Hub
    log: EventLog
    sealer: Sealer
    clock: Clock
    failpoints: Failpoints = field(default_factory=Failpoints)
    closing: bool = False
    accepting: int = 0
    session_turns: int = 16
    note: Callable[[Mark], None] = lambda _mark: None
    """Leaves a mark in the audit log without waiting for it."""
    _arriving: Counter[str] = field(default_factory=Counter)
    _none_left: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(
        self,
        user_id: str,
        message: MessageSend,
        traceparent: str | None = None,
        own: OwnContext | None = None,
        sampling: Sampling | None = None,
    ) -> str:
        """Put the message on the log. Gives its turn_id once Kafka has acknowledged it; a resend gives the same.

        `own` is the context of a client that does not want the conversation's.
        A message that was refused because the log took too long may still be delivered: its resend is the same turn.
        """
        if self.closing:
            raise Refused(ErrorCode.SHUTTING_DOWN, ref=message.client_msg_id)
        self.accepting += 1
        try:
            return await self._accept(user_id, message, traceparent, own, sampling)
        finally:
            self.accepting -= 1
            if not self.accepting:
                self._none_left.set()

    async def finish(self) -> None:
        """Take no new messages; returns when those on their way are decided, which takes a bounded time."""
        self.closing = True
        if self.accepting:
            self._none_left.clear()
            await self._none_left.wait()

    async def _accept(
        self,
        user_id: str,
        message: MessageSend,
        traceparent: str | None,
        own: OwnContext | None,
        sampling: Sampling | None,
    ) -> str:
        entered_at = self.clock()
        ref = message.client_msg_id
        if says_too_much(message.session_id):
            raise Refused(ErrorCode.ID_SAYS_TOO_MUCH, ref=ref)
        if message.bot not in self.bots.by_name:
            raise Refused(ErrorCode.BOT_UNKNOWN, ref=ref)
        await self._know_history(ref)
        if self.history.being_erased(user_id):
            raise Refused(ErrorCode.ERASURE_RUNNING, ref=ref)
        self.check_owner(user_id, message.session_id, ref)
        turn_id = turn_id_for(user_id, message.session_id, message.client_msg_id)
        if self.knows(turn_id):
            return turn_id
        self._check_room(message.session_id, entered_at, ref)
        trace = child_of(traceparent) if traceparent else new_traceparent()
        left_at = self.clock()
        request = ChatRequested(
            event_id=derived_event_id(turn_id, "requested"),
            occurred_at=entered_at,
            traceparent=trace,
            turn_id=turn_id,
            session_id=message.session_id,
            user_id=user_id,
            client_msg_id=turn_id if may_be_resent(message.client_msg_id) else message.client_msg_id,
            bot=message.bot,
            text=self._sealed(message.text, user_id, "ChatRequested.text", ref),
            hops=(Hop(stage="accept", entered_at=entered_at, left_at=left_at),),
            context=None if own is None else self._sealed(own.encode(), user_id, SEALED_AS, ref),
            sampling=sampling,
            channel="chat" if own is None else "openai",
        )
        self.failpoints.reach("gateway.before_produce")
        self._arriving[message.session_id] += 1
        try:
            await self.log.append(request, ref, once=turn_id)
            self.failpoints.reach("gateway.accepted_not_told")
            self.history.record([request])
        finally:
            self._arriving -= Counter((message.session_id,))
        await self.log.post(_accept_timed(request))
        return turn_id

    def knows(self, turn_id: str) -> bool:
        """Whether the log has this turn, as far as this gateway has read it."""
        return turn_id in self.hub.replies or self.history.turn(turn_id) is not None

    def _check_room(self, session_id: str, now: datetime, ref: str) -> None:
        since = (now - LONGEST_TURN).isoformat()
        if self.history.open_turns(session_id, since) + self._arriving[session_id] >= self.session_turns:
            raise Refused(ErrorCode.TOO_MANY_TURNS, ref=ref)

    def check_owner(self, user_id: str, session_id: str, ref: str | None = None) -> None:
        """A session belongs to who wrote in it first. Raises Refused."""
        if self.history.owner(session_id) not in (None, user_id):
            raise Refused(ErrorCode.SESSION_FORBIDDEN, ref=ref)

    async def owner_of_now(self, session_id: str) -> str | None:
        """Whose session it is; None where nobody's. Asks the log before it says so. Raises Refused where it is away."""
        owner = self.history.owner(session_id)
        if owner is None:
            await self.read_on(session_id)
            owner = self.history.owner(session_id)
        return owner

    async def find(self, user_id: str, turn_id: str) -> StoredTurn:
        """A turn of this person. Raises Refused(not_found) also for someone else's.

        What another gateway has accepted a moment ago is found too.
        """
        turn = self.history.turn(turn_id)
        if turn is None:
            await self.read_on(turn_id)
            turn = self.history.turn(turn_id)
        if turn is None or turn.user_id != user_id:
            raise Refused(ErrorCode.NOT_FOUND, ref=turn_id)
        return turn

    async def read_on(self, ref: str) -> None:
        """Until the history has all that the log has now. Raises Refused where that takes too long."""
        try:
            await self.reading.catch_up()
        except TimeoutError:
            raise Refused(ErrorCode.LOG_UNAVAILABLE, ref=ref) from None

    async def with_ends(self, read: Callable[[], list[StoredTurn]], ref: str) -> list[StoredTurn]:
        """Turns that `read` finds in the history. Who has seen one of them end finds its end here too.

        Raises Refused where the log does not give it.
        """
        turns = read()
        if any(self._ends_soon(turn) for turn in turns):
            await self.read_on(ref)
            turns = read()
        return turns

    def _ends_soon(self, turn: StoredTurn) -> bool:
        reply = self.hub.replies.get(turn.turn_id)
        return turn.document is None and reply is not None and reply.terminal is not None

    async def _know_history(self, ref: str) -> None:
        """A gateway that has not read the log yet does not know whose sessions are whose."""
        try:
            await self.reading.caught_up_once()
        except TimeoutError:
            raise Refused(ErrorCode.LOG_UNAVAILABLE, ref=ref) from None

    async def stop(self, user_id: str, turn_id: str) -> None:
        """Ask the respond stage to end the turn."""
        turn = await self.find(user_id, turn_id)
        reply = self.hub.replies.get(turn_id)
        if turn.document is not None or (reply is not None and reply.terminal is not None):
            raise Refused(ErrorCode.TURN_FINISHED, ref=turn_id)
        await self.log.append(StopRequested(**self._head(turn.turn_id, turn.session_id, user_id)), turn_id)

    async def stop_own(self, user_id: str, session_id: str, turn_id: str) -> None:
        """Ask the respond stage to end a turn that was accepted here. The log need not be read for that."""
        reply = self.hub.replies.get(turn_id)
        if reply is None or reply.terminal is None:
            await self.log.append(StopRequested(**self._head(turn_id, session_id, user_id)), turn_id)

    async def judge(self, user_id: str, feedback: Feedback) -> None:
        """Note what a person thinks of an answer."""
        turn = await self.find(user_id, feedback.turn_id)
        comment = feedback.comment and self._sealed(
            feedback.comment, user_id, "FeedbackGiven.comment", feedback.turn_id
        )
        await self.log.append(
            FeedbackGiven(
                rating=feedback.rating, comment=comment or None, **self._head(turn.turn_id, turn.session_id, user_id)
            ),
            feedback.turn_id,
        )

    async def request_erasure(self, user_id: str, requested_by: str) -> str:
        """Ask the steward to erase a person. Gives the id of the request; a repeat is another request."""
        request = requested(user_id, requested_by, self.clock())
        await self.log.append(request, request.event_id)
        self.history.record([request])
        return request.event_id

    def _sealed(self, text: str, user_id: str, field: str, ref: str) -> Sealed:
        try:
            return self.sealer.seal(text, subject=user_id, field=field)
        except CannotSeal:
            self.note(Mark(user_id, "keys.use", "failed", "unusable", user_id))
            raise Refused(ErrorCode.KEYS_UNUSABLE, ref=ref) from None
        except Unavailable:
            raise Refused(ErrorCode.KEYS_UNAVAILABLE, ref=ref) from None

    def show(self, turn: StoredTurn) -> dict[str, Any]:
        """A turn as REST gives it."""
        return shown(turn, self.hub.replies.get(turn.turn_id))

    def _head(self, turn_id: str, session_id: str, user_id: str) -> dict[str, Any]:
        return {
            "event_id": new_id(),
            "occurred_at": self.clock(),
            "traceparent": new_traceparent(),
            "turn_id": turn_id,
            "session_id": session_id,
            "user_id": user_id,
        }


def _accept_timed(request: ChatRequested) -> StageTimed:
    hop = request.hops[0]
    return StageTimed(
        event_id=derived_event_id(request.turn_id, "accept", "timed"),
        occurred_at=hop.left_at,
        traceparent=request.traceparent,
        turn_id=request.turn_id,
        session_id=request.session_id,
        user_id=request.user_id,
        bot=request.bot,
        stage="accept",
        entered_at=hop.entered_at,
        left_at=hop.left_at,
        outcome="passed",
    )
