"""uvicorn's protocols with a handle on their transport (see gateway.slow_readers), and an answer to every handshake."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.slow_readers import PEER

_LONGEST_VALUE = 8000
_MOST_HEADERS = 64
_OF_HANDSHAKES = frozenset({b"host", b"connection", b"upgrade", b"origin", b"authorization"})


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

    def handle_websocket_upgrade(self) -> None:
        """The parser of handshakes takes neither lines of more than 8,192 bytes nor more than 128 headers, and uvicorn
        waits for ever where it gives up. So it gets what it needs: no cookies, and of a token that is too long for any
        of ours enough to be refused as one.
        """
        self.url = self.url[:_LONGEST_VALUE]
        needed = [
            (name, value[:_LONGEST_VALUE])
            for name, value in self.headers
            if name in _OF_HANDSHAKES or name.startswith(b"sec-websocket-")
        ]
        self.scope["headers"] = needed[:_MOST_HEADERS]
        super().handle_websocket_upgrade()

    def unblock(self) -> None:
        """See Peer."""
        self.flow.resume_writing()

    def abort_if_unread(self) -> None:
        """See Peer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
