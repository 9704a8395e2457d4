"""Stop requests and the turns they are for. Either may come first."""

from collections import OrderedDict

from agents.stop_signal import StopSignal

_REMEMBERED = 10_000


class Stops:
    """Signals by turn id; the oldest are forgotten."""

    def __init__(self) -> None:
        self._signals: OrderedDict[str, StopSignal] = OrderedDict()

    def signal_for(self, turn_id: str) -> StopSignal:
        """The one signal of a turn."""
        signal = self._signals.setdefault(turn_id, StopSignal())
        while len(self._signals) > _REMEMBERED:
            self._signals.popitem(last=False)
        return signal

    def stop(self, turn_id: str) -> None:
        """Give the signal, now or when the turn begins."""
        self.signal_for(turn_id).give()
