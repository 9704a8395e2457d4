"""Wait until the landing sink has reached a point of the log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.log_scan import Window
from sluice.errors import Unavailable
from sluice.kafka_admin import KafkaAdmin


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait without any progress, and how to pass the time."""

    still_seconds: float
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


def behind(window: Window, committed: Mapping[tuple[str, int], int]) -> int:
    """Records of the window that are not yet committed."""
    return sum(max(0, span.end - max(span.low, committed.get(place, 0))) for place, span in window.items())


def wait_for_sink(
    admin: KafkaAdmin, group: str, window: Window, patience: Patience, say: Callable[[int], None]
) -> None:
    """Return when the sink has all of the window. Raises Unavailable where it stands still for too long."""
    least, since = None, patience.monotonic()
    while left := behind(window, admin.committed(group)):
        say(left)
        if least is None or left < least:
            least, since = left, patience.monotonic()
        elif patience.monotonic() - since > patience.still_seconds:
            raise Unavailable(
                f"The landing sink is {left} records behind and has not moved for {patience.still_seconds:.0f} s. "
                "Is it running? See `make status` and logs/landing.log."
            )
        patience.sleep(0.2)
