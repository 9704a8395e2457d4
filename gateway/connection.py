"""One WebSocket: the protocol object, the sessions it listens to, and its outbox."""

from dataclasses import dataclass, field
from typing import assert_never

from gateway.access import Access
from gateway.bridge import Bridge
from gateway.delivery import DeliveryTimes
from gateway.frames import (
    NEEDS,
    Accepted,
    BotCard,
    ClientFrame,
    ErrorFrame,
    Feedback,
    MessageSend,
    Ready,
    ResyncRequired,
    ServerFrame,
    SessionResume,
    TurnStop,
)
from gateway.hub import Hub
from gateway.missed import missed, turn_so_far
from gateway.outbox import Outbox, bytes_of
from gateway.protocol import Protocol
from gateway.rendering import read_cursor
from gateway.turns import Turns
from sluice.errors import ErrorCode, Refused
from sluice.ids import turn_id_for
from sluice.metrics import Metrics
from sluice.tokens import Person


@dataclass(slots=True)
class Connection:
    """Takes text from the socket and fills the outbox. Knows nothing of sockets."""

    person: Person
    access: Access
    turns: Turns
    hub: Hub
    bridge: Bridge
    metrics: Metrics
    outbox: Outbox
    times: DeliveryTimes
    protocol: Protocol = field(default_factory=Protocol)
    _followed: set[str] = field(default_factory=set)
    _heard: set[str] = field(default_factory=set)

    def greet(self) -> None:
        """The first frame."""
        bots = [bot for bot in self.turns.bots.by_name.values() if self.person.may_ask(bot.name)]
        cards = [BotCard(bot.name, bot.description, bot.development) for bot in bots]
        self.outbox.put(Ready(self.person.user_id, cards))

    async def receive(self, data: str | bytes) -> None:
        """Handle one frame of the client."""
        frame = self.protocol.receive(data)
        if isinstance(frame, ErrorFrame):
            self._refuse(frame)
            return
        try:
            await self._handle(frame)
        except Refused as refused:
            self._refuse(self.protocol.refuse(refused))

    def end(self, refused: Refused) -> None:
        """What is behind the connection is no good any more: say so, and close."""
        self.protocol.close_code = CLOSE_TOKEN
        self._refuse(self.protocol.refuse(refused))

    def close(self) -> None:
        """Stop listening."""
        for session_id in self._heard:
            self.hub.leave(self.person.user_id, session_id, self.outbox.put)
        for session_id in self._followed:
            self.bridge.release(session_id)
        self._heard.clear()
        self._followed.clear()

    async def _handle(self, frame: ClientFrame) -> None:
        try:
            self.access.check(self.person)
        except Refused as refused:
            if ends_connection(refused):
                self.protocol.close_code = CLOSE_TOKEN
            raise
        self.access.permit(self.person, (NEEDS[type(frame)],), ref=_reference(frame))
        match frame:
            case MessageSend():
                await self._send(frame)
            case TurnStop():
                await self.turns.stop(self.person.user_id, frame.turn_id)
            case SessionResume():
                await self._resume(frame)
            case Feedback():
                await self.turns.judge(self.person.user_id, frame)

    async def _send(self, frame: MessageSend) -> None:
        """Accepted comes first, then what there is of the turn already: for a resend, all of it or all so far."""
        user_id, session_id = self.person.user_id, frame.session_id
        self.access.permit(self.person, bot=frame.bot, ref=frame.client_msg_id)
        self.turns.check_owner(user_id, session_id, frame.client_msg_id)
        await self._follow(session_id, frame.client_msg_id)
        begun = self.turns.clock()
        resent = self.turns.knows(turn_id_for(user_id, session_id, frame.client_msg_id))
        try:
            turn_id = await self.turns.accept(user_id, frame)
        except Refused:
            self._join(session_id)  # a message that was refused for want of time may still be answered
            raise
        self.outbox.put(Accepted(turn_id, session_id, frame.client_msg_id))
        if not resent:
            self.times.accepted(turn_id, session_id, frame.bot, begun)
        if resent or session_id not in self._heard:
            self._give(session_id, turn_so_far(self.hub.replies.get(turn_id), self.turns.history.turn(turn_id)))
        self._join(session_id, besides=turn_id)

    async def _resume(self, frame: SessionResume) -> None:
        user_id, session_id = self.person.user_id, frame.session_id
        if await self.turns.owner_of_now(session_id) != user_id:
            raise Refused(ErrorCode.NOT_FOUND, ref=session_id)
        cursor = read_cursor(frame.cursor)
        await self._follow(session_id, session_id)
        if cursor is not None and not self._can_go_on_from(cursor[0]):
            await self.turns.read_on(session_id)
        # From here to the end nothing waits: no frame falls between what was missed and what is heard.
        replies = self.hub.replies_of(user_id, session_id)
        self._give(session_id, missed(user_id, session_id, cursor, replies, self.turns.history))
        self._hear(session_id)

    def _can_go_on_from(self, turn_id: str) -> bool:
        stored = self.turns.history.turn(turn_id)
        return turn_id in self.hub.replies or (stored is not None and stored.document is not None)

    def _give(self, session_id: str, frames: list[ServerFrame]) -> None:
        """Everything, or the word that it cannot be sent: a reader who is given too much would be cut off for it."""
        if sum(map(bytes_of, frames)) > self.outbox.room:
            frames = [ResyncRequired(session_id)]
        for frame in frames:
            self.outbox.put(frame)

    async def _follow(self, session_id: str, ref: str) -> None:
        """Running turns of the session are known from here on."""
        if session_id not in self._followed:
            try:
                await self.bridge.want(session_id)
            except TimeoutError:
                raise Refused(ErrorCode.LOG_UNAVAILABLE, ref=ref) from None
            self._followed.add(session_id)

    def _join(self, session_id: str, besides: str = "") -> None:
        """Hear the session. What is heard of a running turn is understood only by who has all that it said before."""
        if session_id not in self._heard:
            for reply in self.hub.replies_of(self.person.user_id, session_id):
                if reply.terminal is None and reply.turn_id != besides:
                    self._give(session_id, turn_so_far(reply, None))
            self._hear(session_id)

    def _hear(self, session_id: str) -> None:
        if session_id not in self._heard:
            self._heard.add(session_id)
            self.hub.listen(self.person.user_id, session_id, self.outbox.put)

    def _refuse(self, frame: ErrorFrame) -> None:
        self.metrics.count("sluice_refusals_total", code=frame.code)
        self.outbox.put(frame)


CLOSE_TOKEN = 4401


def _reference(frame: ClientFrame) -> str:
    match frame:
        case MessageSend():
            return frame.client_msg_id
        case SessionResume():
            return frame.session_id
        case TurnStop() | Feedback():
            return frame.turn_id
        case unknown:
            assert_never(unknown)


def ends_connection(refused: Refused) -> bool:
    """Whether it says that who is connected is not known any more. A store that is away does not."""
    return refused.code.kind.http_status == ErrorCode.UNAUTHENTICATED.kind.http_status
