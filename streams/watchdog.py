"""Ends a process that does not move, or that stood still while its partitions were given to another.

Source of the rule: faust issue 175 (consumers stop silently after a broker outage): being alive means that work
moves while there is some.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.transport.lag import Backlog

_TICK_SECONDS, _LOOK_SECONDS = 0.5, 5.0
STUCK_SECONDS = 20.0
_FULL_AND_STUCK_SECONDS = 600.0
_BUSY_SHARE = 0.2
"""A thread that waited for others of its process was not stopped: librdkafka's kept the membership alive."""


@dataclass(slots=True)
class Watchdog:
    """`behind` asks the broker what waits, and may be slow or raise: it is asked in a thread of its own."""

    behind: Callable[[], Backlog]
    still_seconds: float
    on_fatal: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    used: Callable[[], float] = time.process_time
    moved_at: float = field(default=0.0)
    _ticked_at: float = 0.0
    _used_at: float = 0.0
    _none_claimable_at: float = 0.0
    _none_at: float = 0.0

    def start(self) -> None:
        """Watch until the process ends."""
        self.begin()
        for name, look, seconds in (("ticks", self.tick, _TICK_SECONDS), ("backlog", self.look, _LOOK_SECONDS)):
            threading.Thread(target=self._repeat, args=(look, seconds), name=f"watchdog-{name}", daemon=True).start()

    def begin(self) -> None:
        """From now on."""
        self.moved_at = self._ticked_at = self._none_claimable_at = self._none_at = self.clock()
        self._used_at = self.used()

    def moved(self) -> None:
        """Something was begun, said, tried again or finished."""
        self.moved_at = self.clock()

    def stood_still(self) -> str | None:
        """Why this process must not go on: it was stopped for longer than its group waits."""
        gap = self.clock() - self._ticked_at
        worked = self.used() - self._used_at
        return f"stood still for {gap:.1f} s" if gap > self.still_seconds and worked < gap * _BUSY_SHARE else None

    def tick(self) -> str | None:
        """Often and at once. Gives the reason to end, or None."""
        reason = self.stood_still()
        self._ticked_at = self.clock()
        self._used_at = self.used()
        return reason

    def look(self) -> str | None:
        """Ask for the backlog. Gives the reason to end, or None.

        Work that runs may be silent for as long as a model may; what waits for it is given that time.
        """
        try:
            backlog = self.behind()
        except Exception:  # the broker is away: nothing can be said, and nothing could move
            backlog = Backlog(0, 0)
        now = self.clock()
        if not backlog.claimable:
            self._none_claimable_at = now
        if not sum(backlog):
            self._none_at = now
        unclaimed = now - max(self.moved_at, self._none_claimable_at)
        still = now - max(self.moved_at, self._none_at)
        if unclaimed > STUCK_SECONDS or still > _FULL_AND_STUCK_SECONDS:
            return f"nothing moved for {max(unclaimed, still):.0f} s while {sum(backlog)} records wait"
        return None

    def _repeat(self, look: Callable[[], str | None], seconds: float) -> None:
        while True:
            time.sleep(seconds)
            reason = look()
            if reason is not None:
                self.on_fatal(reason)
                return
