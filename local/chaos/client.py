"""One client: a WebSocket to either gateway, its sessions, and all the ways in which people leave and come back."""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.typing import Subprotocol

from local.chaos.conversation import Saying
from local.chaos.evidence import Seen

_SUBPROTOCOL = Subprotocol("sluice.v1")
_TERMINAL = frozenset({"completed", "failed", "cancelled"})
_AGAIN_SECONDS, _LONGEST_PAUSE_SECONDS = 0.7, 8.0
_UNANSWERED_SECONDS = 12.0
"""After so long without a word whether it was accepted, a message is sent again: the gateway's own limit is 10 s."""
_TROUBLE = (OSError, InvalidHandshake, TimeoutError, WebSocketException, httpx.HTTPError, ValueError)


@dataclass(slots=True)
class OpenTurn:
    """A message on its way to a terminal. `cursor` is how far the client has read."""

    saying: Saying
    turn_id: str = ""
    attempt: int = 0
    seq: int = -1
    ended: bool = False
    sends: int = 0
    lost_track: bool = False
    resuming: bool = False

    @property
    def cursor(self) -> str:
        """For `session.resume`."""
        return f"{self.turn_id}:{self.attempt}:{self.seq}"

    def take(self, frame: dict[str, Any]) -> None:
        """A frame of this turn."""
        kind = frame["type"]
        self.lost_track = self.resuming = False
        if kind in ("started", "reset"):
            self.attempt, self.seq = frame["attempt"], -1
        elif kind in ("delta", "snapshot"):
            self.attempt, self.seq = frame["attempt"], frame["seq"]
        self.ended = self.ended or kind in _TERMINAL


@dataclass(slots=True)
class Client:
    """Writes down every frame it sends and gets."""

    name: str
    token: str
    gateways: Sequence[str]
    chance: random.Random
    now_ms: Callable[[], float]
    write: Callable[[Seen], None]
    turns: dict[str, OpenTurn] = field(default_factory=dict)
    user_id: str = ""
    connections: int = 0
    _socket: ClientConnection | None = None
    _gateway: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def open_turns(self) -> list[OpenTurn]:
        """Said, and not ended as far as this client knows."""
        return [turn for turn in self.turns.values() if not turn.ended]

    async def run(self) -> None:
        """Stay connected until cancelled."""
        self._gateway = self.chance.randrange(len(self.gateways))
        try:
            while True:
                try:
                    await self._connected()
                except _TROUBLE:
                    pass
                finally:
                    self._socket = None
                self._gateway = self.chance.randrange(len(self.gateways))
                await asyncio.sleep(self.chance.uniform(0.1, 0.6))
        finally:
            for task in self._tasks:
                task.cancel()

    async def say(self, saying: Saying) -> None:
        """Send a message now if connected, else as soon as it is; then behave as the saying tells."""
        turn = self.turns[saying.client_msg_id] = OpenTurn(saying)
        await self._ask(turn)
        self._spawn(self._insist(turn))
        if saying.manner != "plain":
            self._spawn(self._misbehave(turn))

    async def _connected(self) -> None:
        async with self._connect(self._gateway) as socket:
            self.connections += 1
            number = self.connections
            async with asyncio.timeout(5):
                ready = json.loads(await socket.recv())
            self._note("received", number, ready)
            self.user_id = ready["user_id"]
            self._socket = socket
            for turn in self.open_turns:
                turn.resuming = False
                await (self._resume(turn) if turn.turn_id else self._ask(turn))
            async for text in socket:
                frame = json.loads(text)
                self._note("received", number, frame)
                self._take(frame)

    def _connect(self, gateway: int) -> connect:
        return connect(
            self.gateways[gateway].replace("http", "ws", 1) + "/v1/ws",
            subprotocols=[_SUBPROTOCOL],
            additional_headers={"Authorization": f"Bearer {self.token}"},
            open_timeout=6,
            ping_interval=2,
            ping_timeout=4,
            close_timeout=1,
            compression=None,
            proxy=None,
        )

    def _take(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind == "accepted" and frame["client_msg_id"] in self.turns:
            self._accepted(self.turns[frame["client_msg_id"]], frame["turn_id"])
        elif kind == "error":
            self._refused(frame)
        elif kind == "resync_required":
            for turn in self._of_session(frame["session_id"]):
                turn.resuming = False
                self._fetch(turn)
        for turn in self.open_turns:
            if turn.turn_id and turn.turn_id == frame.get("turn_id"):
                turn.take(frame)

    def _accepted(self, turn: OpenTurn, turn_id: str) -> None:
        """A second word for the same message: some of the turn may have gone by before this connection listened."""
        turn.turn_id = turn.turn_id or turn_id
        if turn.sends > 1:
            self._spawn(self._resume(turn))

    def _refused(self, frame: dict[str, Any]) -> None:
        about = frame.get("ref")
        turn = self.turns.get(about or "")
        if turn is not None and not turn.turn_id and frame["retryable"]:
            self._spawn(self._later(self._ask, turn))
        elif frame["retryable"] or frame["code"] == "not_found":
            for one in self._of_session(about or ""):
                if one.resuming:
                    one.resuming = False
                    self._spawn(self._later(self._resume, one))

    def _of_session(self, session_id: str) -> list[OpenTurn]:
        return [turn for turn in self.open_turns if turn.saying.session_id == session_id and turn.turn_id]

    async def _later(self, action: Callable[[OpenTurn], Any], turn: OpenTurn) -> None:
        await asyncio.sleep(_AGAIN_SECONDS)
        await action(turn)

    async def _insist(self, turn: OpenTurn) -> None:
        while not turn.turn_id:
            await asyncio.sleep(_UNANSWERED_SECONDS)
            if not turn.turn_id:
                await self._ask(turn)

    async def _ask(self, turn: OpenTurn) -> None:
        if turn.turn_id:
            return
        turn.sends += await self._send(_message(turn.saying))

    async def _resume(self, turn: OpenTurn) -> None:
        if not turn.ended:
            turn.resuming = True
            await self._send({"type": "session.resume", "session_id": turn.saying.session_id, "cursor": turn.cursor})

    async def _send(self, frame: dict[str, Any]) -> bool:
        if self._socket is None:
            return False
        with contextlib.suppress(WebSocketException, OSError):
            self._note("sent", self.connections, frame)
            await self._socket.send(json.dumps(frame))
        return True

    async def _misbehave(self, turn: OpenTurn) -> None:
        await asyncio.sleep(turn.saying.after)
        if turn.saying.manner == "drop" and self._socket is not None:
            self._socket.transport.abort()
        elif turn.saying.manner == "stop" and turn.turn_id and not turn.ended:
            await self._send({"type": "turn.stop", "turn_id": turn.turn_id})
        elif turn.saying.manner == "resend":
            await self._resend(turn)

    async def _resend(self, turn: OpenTurn) -> None:
        """The same message over the other gateway, on a connection of its own that leaves at the first word."""
        other = (self._gateway + 1) % len(self.gateways)
        with contextlib.suppress(*_TROUBLE):
            async with self._connect(other) as socket:
                self.connections += 1
                number = self.connections
                await socket.recv()
                await socket.send(json.dumps(_message(turn.saying)))
                turn.sends += 1
                self._note("sent", number, _message(turn.saying), other)
                async with asyncio.timeout(_UNANSWERED_SECONDS):
                    async for text in socket:
                        frame = json.loads(text)
                        self._note("received", number, frame, other)
                        if frame["type"] in ("accepted", "error"):
                            return

    def _fetch(self, turn: OpenTurn) -> None:
        if not turn.lost_track:
            turn.lost_track = True
            self._spawn(self._poll(turn))

    async def _poll(self, turn: OpenTurn) -> None:
        """The gateway could not tell what is missing: read the turn over REST until it ends or a frame of it comes."""
        headers = {"Authorization": f"Bearer {self.token}"}
        pause = _AGAIN_SECONDS
        async with httpx.AsyncClient(headers=headers, timeout=3, trust_env=False) as http:
            while turn.lost_track and not turn.ended:
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                with contextlib.suppress(*_TROUBLE):
                    address = f"{self.gateways[self._gateway]}/v1/turns/{turn.turn_id}"
                    answer = await http.get(address)
                    document = answer.json()
                    if answer.status_code == httpx.codes.OK and document["state"] in _TERMINAL:
                        self._note("fetched", self.connections, document)
                        turn.ended = True

    def _note(self, way: str, connection: int, frame: dict[str, Any], gateway: int | None = None) -> None:
        place = (self._gateway if gateway is None else gateway) + 1
        self.write(Seen(self.now_ms(), self.name, self.user_id, connection, place, way, frame))

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _message(saying: Saying) -> dict[str, Any]:
    return {
        "type": "message.send",
        "client_msg_id": saying.client_msg_id,
        "session_id": saying.session_id,
        "text": saying.text,
        "bot": saying.bot,
    }
