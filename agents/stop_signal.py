"""How a running turn is told to end."""

from collections.abc import Callable


class StopSignal:
    """Ends a running turn from outside. May be given before the turn begins."""

    def __init__(self) -> None:
        self.given = False
        self._tell: Callable[[], None] = lambda: None

    def give(self) -> None:
        """The person wants the turn to end."""
        self.given = True
        self._tell()

    def watch(self, tell: Callable[[], None]) -> None:
        """Be told when the signal is given."""
        self._tell = tell
