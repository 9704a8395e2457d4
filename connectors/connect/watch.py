"""Looks after the connectors: what failed is restarted, what was put away becomes dead letters of ours."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from connectors.connect.rest import ConnectorState
from sluice.errors import Unavailable
from sluice.logs import Logger, fact

_FIRST_SECONDS, _LONGEST_SECONDS = 2.0, 300.0
_LOOK_SECONDS = 2.0


class Connectors(Protocol):
    """The port to Connect."""

    def states(self) -> list[ConnectorState]:
        """Of all connectors. Raises Unavailable."""
        ...

    def restart(self, name: str) -> None:
        """What of it has failed. Raises Unavailable."""
        ...


class Letters(Protocol):
    """The port to what Connect put away."""

    def carry(self) -> int:
        """Make dead letters of what has come. Gives how many. Raises Unavailable; then nothing is lost."""
        ...


@dataclass(slots=True)
class _Trouble:
    since: float
    pause: float = _FIRST_SECONDS
    due: float = 0.0


@dataclass(slots=True)
class Watch:
    """Connect restarts nothing by itself. A connector that fails again is given more time, up to five minutes."""

    connectors: Connectors
    letters: Letters
    log: Logger
    monotonic: Callable[[], float]
    _troubles: dict[str, _Trouble] = field(default_factory=dict)
    _silent: bool = False

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop."""
        while not stopping.is_set():
            self.look()
            stopping.wait(_LOOK_SECONDS)

    def look(self) -> None:
        """Once."""
        try:
            self._restart_failed()
            carried = self.letters.carry()
        except Unavailable as error:
            if not self._silent:
                self.log.warning("waiting for what is away", reason=fact(error))
            self._silent = True
            return
        self._silent = False
        if carried:
            self.log.warning("records put away by connect", records=carried)

    def _restart_failed(self) -> None:
        now = self.monotonic()
        for state in self.connectors.states():
            trouble = self._troubles.get(state.name)
            if not state.failed:
                if trouble is not None and now - trouble.since > trouble.pause:
                    del self._troubles[state.name]
                continue
            trouble = self._troubles.setdefault(state.name, _Trouble(now))
            if now < trouble.due:
                continue
            self.log.error("connector restarted", connector=fact(state.name), reason=fact(state.reason))
            self.connectors.restart(state.name)
            trouble.since, trouble.due = now, now + trouble.pause
            trouble.pause = min(2 * trouble.pause, _LONGEST_SECONDS)
