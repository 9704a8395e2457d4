"""Turns are watched by the clock of their event loop, which only waiting moves here: no machine is too slow."""

import asyncio
import selectors
from collections.abc import Callable, Mapping

import pytest

_LOOK_SECONDS = 1e-5
"""What each look at the clock takes: somebody who never waits is late at some time all the same."""


class _Skipping(selectors.DefaultSelector):
    """Whoever would wait finds the time gone by."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select()
        ready = super().select(0)
        if not ready:
            self.now += max(0.0, timeout)
        return ready


class SteadyLoop(asyncio.SelectorEventLoop):
    """Its seconds are those that somebody waited, however long that took."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        self._skipping.now += _LOOK_SECONDS
        return self._skipping.now


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """A loop for each test."""
    return {"steady": SteadyLoop}
