"""All clients: they speak when it is time, whether or not they were answered."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from local.chaos.client import Client
from local.chaos.conversation import Saying
from local.chaos.evidence import Seen
from sluice.cli.chat import development_token
from sluice.settings import Settings

_LOOK_SECONDS = 0.2


@dataclass(slots=True)
class Population:
    """Makes the clients that the sayings name."""

    settings: Settings
    gateways: Sequence[str]
    sayings: Sequence[Saying]
    now_ms: Callable[[], float]
    seed: int
    seen: list[Seen] = field(default_factory=list)
    asked: list[Saying] = field(default_factory=list)
    clients: dict[str, Client] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def enter(self) -> None:
        """Connect all clients."""
        for name in sorted({saying.client for saying in self.sayings}):
            chance = random.Random(f"{self.seed} {name}")  # noqa: S311 (repeatable, not secret)
            token = development_token(self.settings, f"chaos-{self.seed}-{name}")
            client = Client(name, token, self.gateways, chance, self.now_ms, self.seen.append)
            self.clients[name] = client
            self._tasks.append(asyncio.create_task(client.run()))

    async def speak(self) -> None:
        """Open loop: returns when the last message has been said."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for saying in self.sayings:
            await asyncio.sleep(max(0.0, begun + saying.at - loop.time()))
            self.asked.append(saying)
            await self.clients[saying.client].say(saying)

    async def answered(self, patience_seconds: float) -> bool:
        """Wait until every client has seen the end of all its turns. False where patience ended first."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_seconds
        while self.unanswered:
            if loop.time() > deadline:
                return False
            await asyncio.sleep(_LOOK_SECONDS)
        return True

    @property
    def unanswered(self) -> int:
        """Turns whose end their client has not seen."""
        return sum(len(client.open_turns) for client in self.clients.values())

    async def leave(self) -> None:
        """Close all connections. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
