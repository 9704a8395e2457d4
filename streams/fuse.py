"""Stops a stage that puts too much away: better to wait for a person than to empty a topic into the dead letters."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Fuse:
    """Burns when more than `share` of the last `window` records were put away, once `window` have been seen.

    A share of 1 or more never burns. `on_burn` is told the reason first.
    """

    share: float
    window: int
    on_burn: Callable[[str], None] = lambda _reason: None
    _last: deque[bool] = field(default_factory=deque)
    _bad: int = 0

    def handled(self) -> None:
        """A record went its way."""
        self._note(bad=False)

    def rejected(self) -> str | None:
        """A record was put away. Gives the reason to stop, or None."""
        self._note(bad=True)
        if len(self._last) < self.window or self._bad <= self.share * self.window:
            return None
        reason = f"{self._bad} of the last {len(self._last)} records were put away"
        self.on_burn(reason)
        return reason

    def _note(self, *, bad: bool) -> None:
        self._last.append(bad)
        self._bad += bad
        if len(self._last) > self.window:
            self._bad -= self._last.popleft()
