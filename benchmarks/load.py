"""Open-loop load over WebSockets: turns are asked when they are due, whether or not earlier ones are answered."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measurement import NothingMeasured, percentile
from benchmarks.running import RunningPlatform
from sluice.chat_client import ChatClient
from sluice.cli.chat import development_token
from sluice.ids import new_id, turn_id_for

_TERMINAL = {"completed", "failed", "cancelled"}
_PATIENCE_SECONDS = 60.0
SUBJECT = "benchmark"
"""Of the tokens: who asks."""
_TEXT = "Hello there"
_WARM_UP_RATE, _WARM_UP_TURNS = 12.0, 48
"""So that the gateway follows every partition and the model's adapter has its connections."""
_SATURATED_RATE, _SATURATED_GROWTH, _GROWTH_MS = 0.95, 2.0, 50.0


@dataclass(slots=True)
class AskedTurn:
    """One turn as its client saw it, in `perf_counter` seconds; `late` is how far behind its plan it was sent."""

    turn_id: str
    sent: float
    late: float
    accepted: float | None = None
    first_delta: float | None = None
    ended: float | None = None
    state: str = ""
    latency_ms: dict[str, float | None] = field(default_factory=dict)

    def take(self, frame: dict[str, Any], now: float) -> None:
        """A frame of this turn came in."""
        kind = frame["type"]
        if kind == "accepted":
            self.accepted = now
        elif kind == "delta" and self.first_delta is None:
            self.first_delta = now
        elif kind in _TERMINAL:
            self.ended, self.state = now, kind
            self.latency_ms = frame.get("latency_ms", {})

    @property
    def first_delta_ms(self) -> float:
        """From the send to the first delta in the client's hands."""
        return (self.first_delta - self.sent) * 1000 if self.first_delta is not None else float("nan")

    @property
    def accepted_ms(self) -> float:
        """From the send to the word that Kafka has it."""
        return (self.accepted - self.sent) * 1000 if self.accepted is not None else float("nan")

    @property
    def stages_ms(self) -> float:
        """`latency_ms.overhead` of the completed frame: accepted to first token, the model's part taken off."""
        return self.latency_ms.get("overhead") or 0.0

    @property
    def model_ms(self) -> float:
        """The model's own time with litellm's: what `overhead` leaves out."""
        return (self.latency_ms.get("first_delta") or 0.0) - self.stages_ms

    @property
    def platform_ms(self) -> float:
        """All that is not the model's, delivery to the client included."""
        return self.first_delta_ms - self.model_ms


@dataclass(frozen=True, slots=True)
class Run:
    """Turns in the order they were asked."""

    rate: float
    turns: list[AskedTurn]

    @property
    def achieved(self) -> float:
        """Turns a second from the first send to the last end."""
        return len(self.turns) / (max(turn.ended or 0.0 for turn in self.turns) - self.turns[0].sent)

    @property
    def saturated(self) -> bool:
        """The queue grows: the last third waits far longer than the first, or turns end later than they come."""
        third = max(1, len(self.turns) // 3)
        early, late = ([turn.first_delta_ms for turn in part] for part in (self.turns[:third], self.turns[-third:]))
        grows = percentile(late, 50) > _SATURATED_GROWTH * percentile(early, 50) + _GROWTH_MS
        return grows or self.achieved < _SATURATED_RATE * self.rate


async def ask(platform: RunningPlatform, bot: str, *, rate: float, turns: int, sessions: int, sockets: int = 4) -> Run:
    """Ask `turns` questions at `rate` a second, spread over sessions and sockets, after a few to warm up.

    Raises NothingMeasured where a turn is not completed, or completed without a delta.
    """
    token = development_token(platform.settings, SUBJECT)
    async with AsyncExitStack() as stack:
        url = platform.settings.gateway_url
        clients = [await stack.enter_async_context(ChatClient(url, token)) for _ in range(sockets)]
        load = _Load(clients, [new_id() for _ in range(sessions)], bot)
        load.readers = [asyncio.create_task(load.read(client)) for client in clients]
        try:
            await load.send(_WARM_UP_RATE, min(sessions, _WARM_UP_TURNS))
            load.asked = {}
            await load.send(rate, turns)
        finally:
            for reader in load.readers:
                reader.cancel()
            await asyncio.gather(*load.readers, return_exceptions=True)
    run = Run(rate, list(load.asked.values()))
    check(run.turns)
    return run


def check(turns: Sequence[AskedTurn]) -> None:
    """Raises NothingMeasured unless every turn was answered, with times that can be."""
    if not turns:
        raise NothingMeasured("no turn was asked")
    unanswered = [turn for turn in turns if turn.state != "completed" or turn.first_delta is None]
    if unanswered:
        states = sorted({turn.state or "unanswered" for turn in unanswered})
        raise NothingMeasured(f"{len(unanswered)} of {len(turns)} turns were not answered: {', '.join(states)}")
    if any(turn.latency_ms.get("overhead") is None for turn in turns):
        raise NothingMeasured("a completed frame without latency_ms.overhead")


@dataclass(slots=True)
class _Load:
    clients: list[ChatClient]
    sessions: list[str]
    bot: str
    asked: dict[str, AskedTurn] = field(default_factory=dict)
    readers: list[asyncio.Task[None]] = field(default_factory=list)

    async def send(self, rate: float, turns: int) -> None:
        """Ask when it is due, then wait until all have ended or patience has."""
        begun = time.perf_counter()
        for number in range(turns):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            place = number % len(self.sessions)
            await self._ask(self.clients[place % len(self.clients)], self.sessions[place], due)
        deadline = time.perf_counter() + _PATIENCE_SECONDS
        while any(turn.ended is None for turn in self.asked.values()) and time.perf_counter() < deadline:
            for reader in self.readers:
                if reader.done():
                    reader.result()
                    raise NothingMeasured("the gateway closed a socket")
            await asyncio.sleep(0.05)

    async def read(self, client: ChatClient) -> None:
        """Stamp what comes in. Raises NothingMeasured at an error frame."""
        async for frame in client.frames():
            now = time.perf_counter()
            turn = self.asked.get(frame.get("turn_id", ""))
            if turn is not None:
                turn.take(frame, now)
            elif frame["type"] == "error":
                raise NothingMeasured(f"the gateway refused: {frame['code']}")

    async def _ask(self, client: ChatClient, session_id: str, due: float) -> None:
        message_id = new_id()
        turn_id = turn_id_for(client.ready["user_id"], session_id, message_id)
        now = time.perf_counter()
        self.asked[turn_id] = AskedTurn(turn_id, now, now - due)
        frame = {"type": "message.send", "client_msg_id": message_id, "session_id": session_id}
        await client.send(frame | {"text": _TEXT, "bot": self.bot})
