"""How a record is taken in hand and let go, with our transport and with Faust's own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import faust
from faust.types import EventT

from streams.transport.consumer import LogConsumer
from streams.transport.member import Partition


class Claimed(Protocol):
    """One record in hand."""

    @property
    def repeated(self) -> bool:
        """Whether somebody may have handled it before."""
        ...

    @property
    def alive(self) -> bool:
        """Whether it is still ours to handle."""
        ...

    def finish(self) -> None:
        """It may be committed."""
        ...


class Intake(Protocol):
    """Where claims come from."""

    def claim(self, event: EventT) -> Claimed | None:
        """None for a record that is not ours to handle, or is in hand already."""
        ...

    def epoch(self) -> int:
        """Generation of the group as this worker knows it."""
        ...


@dataclass(frozen=True, slots=True)
class LogIntake:
    """Claims on our own consumer."""

    app: faust.App
    stood_still: Callable[[], str | None]
    crash: Callable[[str], None]

    @property
    def consumer(self) -> LogConsumer:
        """Made by Faust when the app starts."""
        consumer: LogConsumer = self.app.consumer
        return consumer

    def claim(self, event: EventT) -> Claimed | None:
        """See Intake. A process that was stopped for too long must not begin anything."""
        reason = self.stood_still()
        if reason is not None:
            self.crash(reason)
            return None
        return self.consumer.claim(event.message.tp, event.message.offset)

    def epoch(self) -> int:
        """See Intake."""
        return self.consumer.epoch()


@dataclass(frozen=True, slots=True)
class _StockClaim:
    event: Any
    repeated: bool = False
    alive: bool = True

    def finish(self) -> None:
        self.event.ack()


@dataclass(frozen=True, slots=True)
class StockIntake:
    """Faust's own acknowledging, which loses events: kept to show that the fault campaign notices."""

    app: faust.App

    def claim(self, event: EventT) -> Claimed | None:
        """Everything is handled as if for the first time."""
        return _StockClaim(event)

    def epoch(self) -> int:
        """See Intake."""
        return int(self.app.consumer_generation_id)


def partition_of(event: EventT) -> Partition:
    """Topic and number."""
    return event.message.topic, event.message.partition
