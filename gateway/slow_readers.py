"""What happens to a reader that does not take what it is sent: it is told the code, if it still listens, and cut off.

A socket that is closed in the ordinary way stays until its peer has read everything. So the server's protocol objects
put themselves into the ASGI scope, and a connection that does not empty within the grace is aborted.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from gateway.outbox import Outbox

PEER = "sluice.peer"
"""Name of the scope extension."""
STALL_SECONDS = 10.0
"""A single send may take this long."""
GRACE_SECONDS = 5.0
"""From the code to the abort."""


class Peer(Protocol):
    """The transport under a socket or a response."""

    def unblock(self) -> None:
        """Let sends go on into the buffer although it is full: only for the few last bytes."""
        ...

    def abort_if_unread(self) -> None:
        """Drop the connection unless all was handed to the operating system."""
        ...


def guard(outbox: Outbox, scope: Mapping[str, Any]) -> None:
    """From now on, an outbox that is given up takes its connection with it."""
    peer: Peer | None = scope.get("extensions", {}).get(PEER)
    if peer is None:
        return

    def cut() -> None:
        peer.unblock()
        asyncio.get_running_loop().call_later(GRACE_SECONDS, peer.abort_if_unread)

    outbox.on_overflow = cut
