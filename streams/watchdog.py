"""Ends a process that does not move, or that stood still while its partitions were given to another.

Source of the rule: faust issue 175 (consumers stop silently after a broker outage): being alive means that work
moves while there is some.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_TICK_SECONDS, _LOOK_SECONDS = 0.5, 5.0
STUCK_SECONDS = 20.0
_BUSY_SHARE = 0.2
"""A thread that waited for others of its process was not stopped: librdkafka's kept the membership alive."""


@dataclass(slots=True)
class Watchdog:
    """`behind` asks the broker how many records wait, and may be slow or raise; it runs in the watchdog's thread."""

    behind: Callable[[], int]
    still_seconds: float
    on_fatal: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    used: Callable[[], float] = time.process_time
    moved_at: float = field(default=0.0)
    _ticked_at: float = 0.0
    _used_at: float = 0.0
    _looked_at: float = 0.0
    _idle_at: float = 0.0

    def start(self) -> None:
        """Watch until the process ends."""
        self.begin()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def begin(self) -> None:
        """From now on."""
        self.moved_at = self._ticked_at = self._looked_at = self._idle_at = self.clock()
        self._used_at = self.used()

    def moved(self) -> None:
        """Something was begun, said or finished."""
        self.moved_at = self.clock()

    def stood_still(self) -> str | None:
        """Why this process must not go on: it was stopped for longer than its group waits."""
        gap = self.clock() - self._ticked_at
        worked = self.used() - self._used_at
        return f"stood still for {gap:.1f} s" if gap > self.still_seconds and worked < gap * _BUSY_SHARE else None

    def check(self) -> str | None:
        """One look. Gives the reason to end, or None."""
        reason = self.stood_still()
        now = self._ticked_at = self.clock()
        self._used_at = self.used()
        if reason is not None:
            return reason
        if now - self._looked_at < _LOOK_SECONDS:
            return None
        self._looked_at = now
        try:
            behind = self.behind()
        except Exception:  # the broker is away: nothing can be said, and nothing could move
            self._idle_at = now
            return None
        if not behind:
            self._idle_at = now
        waited = now - max(self.moved_at, self._idle_at)
        return f"nothing moved for {waited:.0f} s while {behind} records wait" if waited > STUCK_SECONDS else None

    def _watch(self) -> None:
        while True:
            time.sleep(_TICK_SECONDS)
            reason = self.check()
            if reason is not None:
                self.on_fatal(reason)
                return
