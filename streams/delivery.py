"""What a step is handed beside the event: where it came from and a log to write to."""

from dataclasses import dataclass

from sluice.dead_letters import Origin
from sluice.events import Event
from streams.publisher import Publisher


@dataclass(frozen=True, slots=True)
class Delivery:
    """One pass of one record through a step."""

    origin: Origin
    publisher: Publisher
    repeated: bool
    """An earlier owner, or an earlier pass, may have handled this record and written something."""

    async def emit(self, event: Event) -> None:
        """See Publisher.emit."""
        await self.publisher.emit(event)

    async def settled(self) -> None:
        """See Publisher.settled."""
        await self.publisher.settled()
