"""The one place that reads the machine's clocks."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present as an aware UTC datetime."""


def utc_now() -> datetime:
    """The wall clock. Stamps of several processes are compared, so it must be kept by NTP."""
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)


def milliseconds_between(start: datetime, end: datetime) -> float:
    """Milliseconds from start to end, never below zero: clocks of two machines may disagree."""
    return max(0.0, (end - start).total_seconds() * 1000)
