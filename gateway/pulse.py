"""Whether the log answers, asked once a second: an idle log says nothing by itself, neither when it goes nor comes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sluice.errors import ConfigurationError, Unavailable
from sluice.logs import Logger, fact

_EVERY_SECONDS = 1.0


@dataclass(slots=True)
class Pulse:
    """`ask` blocks for at most two seconds or so and raises Unavailable. A process begins with a log that answers."""

    ask: Callable[[], object]
    log: Logger
    beats: bool = True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self) -> None:
        """Ask once."""
        reason = ""
        try:
            await asyncio.to_thread(self.ask)
        except (ConfigurationError, Unavailable) as error:
            reason = str(error)
        beats = not reason
        if beats is not self.beats:
            self.beats = beats
            if beats:
                self.log.info("the log answers again")
            else:
                self.log.warning("the log does not answer", reason=fact(reason))
