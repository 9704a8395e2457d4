"""The ASGI server: limits, and a shutdown that finishes what was begun."""

import asyncio
import socket

import uvicorn
from starlette.types import ASGIApp

from gateway.peers import HttpPeer, WebSocketPeer
from gateway.turns import Turns
from sluice.tls import ServerFiles

_LARGEST_MESSAGE_BYTES = 4_000_000
"""Far above the protocol's limit, so that a large frame is answered with a code and not with a cut."""
_BACKLOG = 4096
"""A storm of reconnects waits in the kernel's queue."""
_WRITE_SECONDS = 0.1
"""For the last answers to go out."""
_START_FAILED = 3


class Server(uvicorn.Server):
    """On SIGTERM: no new messages, those on their way are answered, then every socket is closed with 1012."""

    def __init__(self, config: uvicorn.Config, turns: Turns) -> None:
        super().__init__(config)
        self._turns = turns

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Before uvicorn's own."""
        for server in self.servers:
            server.close()
        await self._turns.finish()
        await asyncio.sleep(_WRITE_SECONDS)
        await super().shutdown(sockets)


def configuration(app: ASGIApp, host: str, port: int, shown: ServerFiles | None = None) -> uvicorn.Config:
    """With TLS where there is something to show. Logs are ours.

    Per-message deflate would cost 40 kB a socket (gateway facts); uvicorn's own choice of ciphers is that of TLS 1.0.
    """
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=HttpPeer,
        ws=WebSocketPeer,
        ws_max_size=_LARGEST_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        ssl_context_factory=None if shown is None else lambda _config, _default: shown.context(),
    )


def serve(server: Server) -> int:
    """Until SIGTERM. Gives the exit code."""
    server.run()
    return 0 if server.started else _START_FAILED
