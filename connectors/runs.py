"""A set of offsets, kept as runs: what a partition has landed is millions of offsets in a few runs."""

from bisect import bisect_right
from collections.abc import Iterable


class Runs:
    """Offsets that are known. Immutable."""

    def __init__(self, offsets: Iterable[int] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for offset in sorted(set(offsets)):
            if self._lasts and offset == self._lasts[-1] + 1:
                self._lasts[-1] = offset
            else:
                self._firsts.append(offset)
                self._lasts.append(offset)

    def hold(self, offset: int) -> bool:
        """Whether the offset is one of them."""
        if not self._lasts or offset > self._lasts[-1]:
            return False
        place = bisect_right(self._firsts, offset) - 1
        return place >= 0 and offset <= self._lasts[place]
