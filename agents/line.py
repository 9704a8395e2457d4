"""One call while it lasts: what was heard of it, and the slot it holds."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from agents.ports import Ended, Prompt
from agents.turn import Voice
from sluice.events import Usage


@dataclass(slots=True)
class Line:
    """Between a model and its voice on the log."""

    voice: Voice
    prompt: Prompt
    slot: asyncio.Semaphore
    task: asyncio.Task[None] | None = None
    """Waits for the slot, then listens."""
    holds_slot: bool = False
    announced: bool = False
    heard: list[str] = field(default_factory=list)
    first_token_at: datetime | None = None
    ended: Ended | None = None
    usage: Usage | None = None
    call_id: str | None = None

    async def hang_up(self) -> None:
        """Nobody listens any more, and the slot is free, also where this is interrupted."""
        try:
            if self.task is not None:
                self.task.cancel()
                await asyncio.wait([self.task])
                self.task = None
        finally:
            if self.holds_slot:
                self.holds_slot = False
                self.slot.release()
