"""Ends a connection with the token behind it: when its time is over, and within seconds when its key was revoked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.connection import Connection, ends_connection
from sluice.errors import ErrorCode, Refused

LOOK_SECONDS = 2.0
LONGEST_SECONDS = 86_400.0
"""A socket of a person's token that is good for longer is closed after a day all the same."""


class Timer(Protocol):
    """Of a call that may be called off."""

    def cancel(self) -> None:
        """It does not happen."""
        ...


CallLater = Callable[[float, Callable[[float], None], float], Timer]
"""Seconds, what to call, what with."""


@dataclass(slots=True)
class Watch:
    """One connection's. A key is looked at again and again, a person's token only at its end."""

    connection: Connection
    left_seconds: float
    call_later: CallLater
    _timer: Timer | None = None

    def start(self) -> None:
        """From now on."""
        longest = LONGEST_SECONDS if self.connection.person.key is None else LOOK_SECONDS
        pause = min(self.left_seconds, longest)
        self._timer = self.call_later(pause, self._look, pause)

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
