"""uvicorn's protocols with a handle on their transport: see gateway.slow_readers."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.slow_readers import PEER


class WebSocketPeer(WebSocketsSansIOProtocol):
    """A WebSocket."""

    def handle_connect(self, event: Any) -> None:
        """The scope is there before its task runs."""
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = dict(self.scope.get("extensions") or {})
            self.scope["extensions"] = extensions | {PEER: self}

    def unblock(self) -> None:
        """See Peer."""
        self.writable.set()

    def abort_if_unread(self) -> None:
        """See Peer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()


class HttpPeer(HttpToolsProtocol):
    """A request and its response."""

    def on_message_begin(self) -> None:
        """The scope is new with every request."""
        super().on_message_begin()
        extensions: dict[str, Any] = {PEER: self}
        self.scope["extensions"] = extensions

    def unblock(self) -> None:
        """See Peer."""
        self.flow.resume_writing()

    def abort_if_unread(self) -> None:
        """See Peer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
