"""One WebSocket: the protocol object, the sessions it listens to, and its outbox."""

from dataclasses import dataclass, field

from gateway.bridge import Bridge
from gateway.delivery import DeliveryTimes
from gateway.frames import (
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
from gateway.outbox import Outbox
from gateway.protocol import Protocol
from gateway.rendering import catch_up, read_cursor
from gateway.turns import Turns
from sluice.errors import ErrorCode, Refused
from sluice.metrics import Metrics
from sluice.tokens import Person


@dataclass(slots=True)
class Connection:
    """Takes text from the socket and fills the outbox. Knows nothing of sockets."""

    person: Person
    turns: Turns
    hub: Hub
    bridge: Bridge
    metrics: Metrics
    outbox: Outbox
    times: DeliveryTimes
    protocol: Protocol = field(default_factory=Protocol)
    _sessions: set[str] = field(default_factory=set)

    def greet(self) -> None:
        """The first frame."""
        bots = self.turns.bots.by_name.values()
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

    def close(self) -> None:
        """Stop listening."""
        for session_id in self._sessions:
            self.hub.leave(session_id, self.outbox.put)
            self.bridge.release(session_id)
        self._sessions.clear()

    async def _handle(self, frame: ClientFrame) -> None:
        if self.turns.clock() >= self.person.expires_at:
            self.protocol.close_code = CLOSE_TOKEN
            raise Refused(ErrorCode.TOKEN_EXPIRED)
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
        self.turns.check_owner(self.person.user_id, frame.session_id, frame.client_msg_id)
        await self._listen(frame.session_id, frame.client_msg_id)
        begun = self.turns.clock()
        turn_id = await self.turns.accept(self.person.user_id, frame)
        self.times.accepted(turn_id, frame.session_id, frame.bot, begun)
        self.outbox.put(Accepted(turn_id, frame.session_id, frame.client_msg_id))

    async def _resume(self, frame: SessionResume) -> None:
        self.turns.check_owner(self.person.user_id, frame.session_id)
        if self.turns.history.owner(frame.session_id) is None:
            raise Refused(ErrorCode.NOT_FOUND, ref=frame.session_id)
        cursor = read_cursor(frame.cursor)
        await self._listen(frame.session_id, frame.session_id)
        missed: list[ServerFrame] = []
        known = False
        for reply in self.hub.replies_of(frame.session_id):
            at_cursor = cursor is not None and cursor[0] == reply.turn_id
            known = known or at_cursor
            if at_cursor or reply.terminal is None:
                missed += catch_up(reply, cursor)
        if cursor is not None and not known:
            missed.append(ResyncRequired(frame.session_id))
        for one in missed:
            self.outbox.put(one)

    async def _listen(self, session_id: str, ref: str) -> None:
        if session_id in self._sessions:
            return
        try:
            await self.bridge.want(session_id)
        except TimeoutError:
            self.bridge.release(session_id)
            raise Refused(ErrorCode.LOG_UNAVAILABLE, ref=ref) from None
        self._sessions.add(session_id)
        self.hub.listen(session_id, self.outbox.put)

    def _refuse(self, frame: ErrorFrame) -> None:
        self.metrics.count("sluice_refusals_total", code=frame.code)
        self.outbox.put(frame)


CLOSE_TOKEN = 4401
