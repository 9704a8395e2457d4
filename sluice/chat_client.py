"""A client of the WebSocket bridge: one question, streamed."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.typing import Subprotocol

from sluice.errors import ConfigurationError, Unavailable
from sluice.tls import complaint, plain_to_tls

_SUBPROTOCOL = Subprotocol("sluice.v1")
_NO_USAGE: dict[str, Any] = {"prompt_tokens": 0, "completion_tokens": 0, "estimated": False}
_NO_LATENCY: dict[str, float | None] = {"first_delta": None, "total": None, "overhead": None}
_BEGINS_AGAIN = "\n\n(another model begins again)\n\n"
_TERMINAL = {"completed", "failed", "cancelled"}


@dataclass(slots=True)
class TurnResult:
    """What came of one question, in the shape of `sluice chat --json`."""

    session_id: str
    turn_id: str = ""
    state: str = "failed"
    text: str = ""
    model: str = ""
    attempts: int = 0
    usage: dict[str, Any] = field(default_factory=lambda: dict(_NO_USAGE))
    cost_usd: str = "0"
    latency_ms: dict[str, float | None] = field(default_factory=lambda: dict(_NO_LATENCY))
    error: dict[str, Any] | None = None

    def apply(self, frame: dict[str, Any]) -> bool:
        """Take one frame. True when it ends the turn."""
        kind = frame["type"]
        if kind == "accepted":
            self.turn_id = frame["turn_id"]
        elif kind == "started":
            self.attempts, self.model, self.text = frame["attempt"], frame["model"], ""
        elif kind == "reset":
            self.attempts, self.text = frame["attempt"], ""
        elif kind == "delta":
            self.text += frame["text"]
        elif kind == "snapshot":
            self.text = frame["text"]
        elif kind in ("failed", "error"):
            self.state = "failed"
            self.error = {name: frame[name] for name in ("code", "message", "retryable")}
        elif kind == "completed":
            self.state = "completed"
            self.usage, self.cost_usd, self.latency_ms = frame["usage"], frame["cost_usd"], frame["latency_ms"]
            self.model = frame["model"]
        elif kind == "cancelled":
            self.state = "cancelled"
        return kind in _TERMINAL or kind == "error"


class ChatClient:
    """One connection to a gateway. Use it as an async context manager. `tls`: whom to trust; see sluice/tls.py."""

    def __init__(self, gateway_url: str, token: str, tls: ssl.SSLContext | None = None) -> None:
        self._url = gateway_url.replace("http", "ws", 1) + "/v1/ws"
        self._address = gateway_url
        self._token = token
        self._tls = tls
        self._socket: ClientConnection | None = None
        self.ready: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        """Connect and read the greeting. Raises Unavailable."""
        try:
            self._socket = await connect(
                self._url,
                subprotocols=[_SUBPROTOCOL],
                additional_headers={"Authorization": f"Bearer {self._token}"},
                open_timeout=10,
                compression=None,
                proxy=None,
                ssl=self._tls,
            )
            self.ready = json.loads(await self._socket.recv())
        except (OSError, InvalidHandshake, TimeoutError, WebSocketException) as error:
            wrong = complaint(error, self._address) or await asyncio.to_thread(plain_to_tls, self._address)
            if wrong is not None:
                raise ConfigurationError(wrong) from error
            raise Unavailable(
                f"The gateway at {self._address} does not answer ({type(error).__name__}). Is it up? Try `make up`."
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave."""
        await self._open_socket.close()

    @property
    def _open_socket(self) -> ClientConnection:
        if self._socket is None:
            raise RuntimeError("Use the client with `async with`.")
        return self._socket

    async def send(self, frame: dict[str, Any]) -> None:
        """Send one frame."""
        await self._open_socket.send(json.dumps(frame))

    async def frames(self) -> AsyncIterator[dict[str, Any]]:
        """All frames from now on. Raises Unavailable where the connection breaks."""
        try:
            async for text in self._open_socket:
                yield json.loads(text)
        except WebSocketException as error:
            raise Unavailable("The connection to the gateway broke. The turn goes on without us.") from error

    async def ask(
        self,
        text: str,
        *,
        session_id: str,
        bot: str,
        client_msg_id: str,
        on_text: Callable[[str], None] = lambda _text: None,
        stop: asyncio.Event | None = None,
    ) -> TurnResult:
        """Ask and wait for the end. `stop` set: ask the platform to stop the turn and wait for its word."""
        result, printed = TurnResult(session_id=session_id), ""
        await self.send(
            {"type": "message.send", "client_msg_id": client_msg_id, "session_id": session_id, "text": text, "bot": bot}
        )
        accepted = asyncio.Event()
        stopping = asyncio.create_task(self._stop_when(stop or asyncio.Event(), accepted, result))
        try:
            async for frame in self.frames():
                if result.turn_id and frame.get("turn_id", result.turn_id) != result.turn_id:
                    continue
                over = result.apply(frame)
                printed = _print_on(printed, result.text, on_text)
                if over:
                    return result
                if result.turn_id:
                    accepted.set()
        finally:
            stopping.cancel()
        raise Unavailable("The gateway closed the connection. The turn goes on without us.")

    async def _stop_when(self, stop: asyncio.Event, accepted: asyncio.Event, result: TurnResult) -> None:
        await stop.wait()
        await accepted.wait()
        await self.send({"type": "turn.stop", "turn_id": result.turn_id})


def _print_on(printed: str, text: str, on_text: Callable[[str], None]) -> str:
    """Give what is new. Where another attempt says something else than is printed already, it is said once more."""
    if text.startswith(printed):
        new = text[len(printed) :]
    elif printed.startswith(text):
        return printed
    else:
        new = _BEGINS_AGAIN + text
    if new:
        on_text(new)
    return text
