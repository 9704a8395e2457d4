"""The campaign's processes: started again when they die, stopped for good at the end, whatever happens."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.chaos.evidence import Ended

_RESTART_SECONDS = 0.5
_STOP_SECONDS = 6.0
_SETPRIV = shutil.which("setpriv")
BOUND = [_SETPRIV, "--pdeathsig", "KILL", "--"] if _SETPRIV else []
"""Where the system can (Linux), a process dies with the campaign even if that is killed."""


@dataclass(slots=True)
class Member:
    """One process of the platform, whichever pid it has now. `kept` members are started again when they end."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    kept: bool = True
    process: asyncio.subprocess.Process | None = None
    started_at: float = 0.0
    started: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def alive(self) -> bool:
        """It runs, or is frozen."""
        return self.process is not None and self.process.returncode is None

    def signal(self, number: signal.Signals) -> bool:
        """False where there is nobody to take it."""
        if self.process is None or not self.alive:
            return False
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
            return True
        return False


@dataclass(slots=True)
class Fleet:
    """All members by name."""

    clock: Callable[[], float]
    members: dict[str, Member] = field(default_factory=dict)
    deaths: list[Ended] = field(default_factory=list)
    _keepers: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _closing: bool = False

    async def launch(self, member: Member) -> None:
        """Start it, and keep it running."""
        self.members[member.name] = member
        await self._spawn(member)
        self._keepers[member.name] = asyncio.create_task(self._keep(member))

    def pause_restarts(self, name: str) -> None:
        """Leave it dead when it dies next."""
        self.members[name].kept = False

    async def bring_back(self, name: str) -> None:
        """Start a member that was left dead."""
        member = self.members[name]
        member.kept = True
        if not member.alive:
            await asyncio.gather(self._keepers[name], return_exceptions=True)
            await self.launch(member)

    async def gone(self, name: str) -> None:
        """Returns once its present process has ended."""
        process = self.members[name].process
        if process is not None:
            await process.wait()

    async def stop(self) -> None:
        """End all: workers first and gently, then whoever is left by force."""
        self._closing = True
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        for name, member in self.members.items():
            member.signal(signal.SIGCONT)
            member.signal(signal.SIGKILL if name.startswith("broker") else signal.SIGTERM)
        waits = [asyncio.create_task(self.gone(name)) for name in self.members]
        if waits:
            await asyncio.wait(waits, timeout=_STOP_SECONDS)
        for member in self.members.values():
            member.signal(signal.SIGKILL)
        await asyncio.gather(*waits, return_exceptions=True)

    def kill_now(self) -> None:
        """The last resort, where no event loop runs any more."""
        for member in self.members.values():
            if member.process is not None and member.alive:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(member.process.pid, signal.SIGKILL)

    async def _spawn(self, member: Member) -> None:
        member.log.parent.mkdir(parents=True, exist_ok=True)
        member.started_at = asyncio.get_running_loop().time()
        with member.log.open("ab") as log:
            member.process = await asyncio.create_subprocess_exec(
                *BOUND,
                *member.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(member.environment),
                start_new_session=True,
            )
        member.started.set()

    async def _keep(self, member: Member) -> None:
        while member.process is not None:
            status = await member.process.wait()
            self.deaths.append(Ended(member.name, status, self.clock()))
            if not member.kept or self._closing:
                return
            await asyncio.sleep(_RESTART_SECONDS)
            await self._spawn(member)
