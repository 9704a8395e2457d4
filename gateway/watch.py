"""Ends a connection with the token behind it: when its time is over, and within seconds when its key was revoked."""

import asyncio
from dataclasses import dataclass

from gateway.connection import Connection, ends_connection
from sluice.errors import ErrorCode, Refused

LOOK_SECONDS = 2.0
LONGEST_SECONDS = 86_400.0
"""A socket of a person's token that is good for longer is closed after a day all the same."""


@dataclass(slots=True)
class Watch:
    """One connection's. A key is looked at again and again, a person's token only at its end."""

    connection: Connection
    left_seconds: float
    look_seconds: float = LOOK_SECONDS
    _timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """On the event loop."""
        longest = LONGEST_SECONDS if self.connection.person.key is None else self.look_seconds
        pause = min(self.left_seconds, longest)
        self._timer = asyncio.get_running_loop().call_later(pause, self._look, pause)

    def stop(self) -> None:
        """The connection has ended by itself."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self, passed: float) -> None:
        self.left_seconds -= passed
        if self.connection.person.key is None or self.left_seconds <= 0:
            self.connection.end(Refused(ErrorCode.TOKEN_EXPIRED))
            return
        try:
            self.connection.access.check(self.connection.person)
        except Refused as refused:
            if ends_connection(refused):
                self.connection.end(refused)
                return
        self.start()
