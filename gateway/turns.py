"""What clients can ask for, whatever way they came: accept, stop, judge, look up. Raises Refused with a code."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from gateway.frames import Feedback, MessageSend
from gateway.history import History, StoredTurn
from gateway.hub import Hub
from sluice.bots import Bots
from sluice.clock import Clock
from sluice.codec import Codec
from sluice.errors import ErrorCode, Refused, Unavailable
from sluice.events import ChatRequested, FeedbackGiven, Hop, StageTimed, StopRequested, TurnEvent
from sluice.ids import derived_event_id, new_id, turn_id_for
from sluice.kafka_config import Headers
from sluice.kafka_producer import Producing
from sluice.metrics import Metrics
from sluice.sealing import Sealer
from sluice.topics import topic_of
from sluice.tracing import HEADER, child_of, new_traceparent

_ACCEPT_SECONDS = 10.0


@dataclass(slots=True)
class Turns:
    """The gateway's use cases."""

    bots: Bots
    history: History
    hub: Hub
    codec: Codec
    producer: Producing
    sealer: Sealer
    clock: Clock
    metrics: Metrics

    async def accept(self, user_id: str, message: MessageSend, traceparent: str | None = None) -> str:
        """Put the message on the log. Gives its turn_id once Kafka has acknowledged it; a resend gives the same."""
        entered_at = self.clock()
        ref = message.client_msg_id
        if message.bot not in self.bots.by_name:
            raise Refused(ErrorCode.BOT_UNKNOWN, ref=ref)
        self.check_owner(user_id, message.session_id, ref)
        turn_id = turn_id_for(user_id, message.session_id, message.client_msg_id)
        if self.history.turn(turn_id) is not None:
            return turn_id
        trace = child_of(traceparent) if traceparent else new_traceparent()
        left_at = self.clock()
        request = ChatRequested(
            event_id=derived_event_id(turn_id, "requested"),
            occurred_at=entered_at,
            traceparent=trace,
            turn_id=turn_id,
            session_id=message.session_id,
            user_id=user_id,
            client_msg_id=message.client_msg_id,
            bot=message.bot,
            text=self.sealer.seal(message.text, subject=user_id, field="ChatRequested.text"),
            hops=(Hop(stage="accept", entered_at=entered_at, left_at=left_at),),
        )
        await self._log(request, ref)
        self.history.record([request])
        await self.post(_accept_timed(request))
        return turn_id

    def check_owner(self, user_id: str, session_id: str, ref: str | None = None) -> None:
        """A session belongs to who wrote in it first. Raises Refused."""
        if self.history.owner(session_id) not in (None, user_id):
            raise Refused(ErrorCode.SESSION_FORBIDDEN, ref=ref)

    def find(self, user_id: str, turn_id: str) -> StoredTurn:
        """A turn of this person. Raises Refused(not_found) also for someone else's."""
        turn = self.history.turn(turn_id)
        if turn is None or turn.user_id != user_id:
            raise Refused(ErrorCode.NOT_FOUND, ref=turn_id)
        return turn

    async def stop(self, user_id: str, turn_id: str) -> None:
        """Ask the respond stage to end the turn."""
        turn = self.find(user_id, turn_id)
        reply = self.hub.replies.get(turn_id)
        if turn.document is not None or (reply is not None and reply.terminal is not None):
            raise Refused(ErrorCode.TURN_FINISHED, ref=turn_id)
        await self._log(StopRequested(**self._head(turn)), turn_id)

    async def judge(self, user_id: str, feedback: Feedback) -> None:
        """Note what a person thinks of an answer."""
        turn = self.find(user_id, feedback.turn_id)
        comment = feedback.comment and self.sealer.seal(
            feedback.comment, subject=user_id, field="FeedbackGiven.comment"
        )
        await self._log(
            FeedbackGiven(rating=feedback.rating, comment=comment or None, **self._head(turn)), feedback.turn_id
        )

    def show(self, turn: StoredTurn) -> dict[str, Any]:
        """A turn as REST gives it."""
        reply = self.hub.replies.get(turn.turn_id)
        running = turn.document is None and reply is not None and reply.attempt > 0
        head = {
            "turn_id": turn.turn_id,
            "session_id": turn.session_id,
            "bot": turn.bot,
            "state": "running" if running else turn.state,
            "created_at": turn.created_at,
        }
        return head | (turn.document or (_UNFINISHED | {"answer": reply.text if reply else None}))

    def _head(self, turn: StoredTurn) -> dict[str, Any]:
        return {
            "event_id": new_id(),
            "occurred_at": self.clock(),
            "traceparent": new_traceparent(),
            "turn_id": turn.turn_id,
            "session_id": turn.session_id,
            "user_id": turn.user_id,
        }

    async def _log(self, event: TurnEvent, ref: str) -> None:
        try:
            async with asyncio.timeout(_ACCEPT_SECONDS):
                report = await self.producer.put(*self._record(event))
                await report
        except (Unavailable, TimeoutError):
            raise Refused(ErrorCode.LOG_UNAVAILABLE, ref=ref) from None

    async def post(self, event: TurnEvent) -> None:
        """Put telemetry on the log without waiting for it. That it cannot be written takes nothing back."""
        with contextlib.suppress(Unavailable):
            await self.producer.post(*self._record(event))

    def _record(self, event: TurnEvent) -> tuple[str, str, bytes, Headers]:
        headers: Headers = [(HEADER, event.traceparent.encode())]
        return topic_of(type(event).__name__), event.session_id, self.codec.encode(event), headers


_UNFINISHED: dict[str, Any] = {
    "question": None,
    "answer": None,
    "model": None,
    "attempts": 0,
    "usage": None,
    "cost_usd": None,
    "latency_ms": None,
    "finish_reason": None,
    "error": None,
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
