"""Carries out the plan on the running platform, and writes down what was really hit."""

import asyncio
import contextlib
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from local.chaos.evidence import Injected
from local.chaos.faults import STAGES, Fault
from local.chaos.fleet import BOUND, Fleet
from local.chaos.layout import NODES, Layout
from local.chaos.proxy import Proxy

_FAILPOINT_SECONDS = 12.0
_BROKER_AWAY_SECONDS = 4.0
_ALL_BROKERS_AWAY_SECONDS = 1.5
_END_SECONDS = 20.0
_STORM_ROUNDS, _STORM_PAUSE_SECONDS = 3, 1.0
_VISIT_SECONDS = 30.0
_DELAY_SECONDS = 0.25
_SOMEBODY_SECONDS = 8.0
"""How long a cut waits for a connection to cut, and a delay for something to hold back."""


@dataclass(slots=True)
class Injector:
    """One task a fault, so that a long one does not hold up the next."""

    layout: Layout
    fleet: Fleet
    proxies: dict[tuple[str, int], Proxy]
    now_ms: Callable[[], float]
    settle_seconds: float = 0.0
    """How old both workers of a stage must be before one is hit; waited for at most as long."""
    injected: list[Injected] = field(default_factory=list)
    visitor: Sequence[str] = (sys.executable, "-m", "local.chaos.storm")
    """The command of a bare member, whose arguments are servers and stage."""

    async def run(self, plan: Sequence[Fault]) -> None:
        """Returns when the last fault is over."""
        begun = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for fault in plan:
                group.create_task(self._one(fault, begun))

    async def _one(self, fault: Fault, begun: float) -> None:
        await asyncio.sleep(max(0.0, begun + fault.at - asyncio.get_running_loop().time()))
        await self._settled(re.split(r"[-.]", fault.target)[0])
        begin_ms = self.now_ms()
        done, victim, error = False, "", ""
        try:
            done, victim = await self._inject(fault)
        except Exception as failure:
            error = str(failure) or repr(failure)
        self.injected.append(
            Injected(fault.kind, fault.target, begin_ms, self.now_ms(), done, victim or fault.target, error)
        )

    async def _settled(self, stage: str) -> None:
        """A worker is hit while the other one can take over. Now and then that cannot be waited for."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.settle_seconds
        peers = [member for name, member in self.fleet.members.items() if name.startswith(f"{stage}-")]
        while stage in STAGES and loop.time() < deadline:
            if all(member.alive and loop.time() - member.started_at > self.settle_seconds for member in peers):
                return
            await asyncio.sleep(0.1)

    async def _inject(self, fault: Fault) -> tuple[bool, str]:
        match fault.kind:
            case "kill":
                return await self._end(fault.target, signal.SIGKILL), ""
            case "term":
                return await self._end(fault.target, signal.SIGTERM), ""
            case "freeze":
                return await self._freeze(fault), ""
            case "failpoint":
                return await self._arm(fault.target)
            case "storm":
                return await self._storm(fault.target), ""
            case "broker_kill":
                return await self._away([fault.target], _BROKER_AWAY_SECONDS), ""
            case "brokers_restart":
                return await self._away([f"broker-{n}" for n in NODES], _ALL_BROKERS_AWAY_SECONDS), ""
            case "cut" | "delay":
                return await self._disturb(fault.kind, fault.target, fault.seconds)
            case "provider":
                return await self._disturb(fault.target, "provider-1", fault.seconds)

    async def _end(self, name: str, number: signal.Signals) -> bool:
        """Hit when this signal ended the process and a successor came. Raises TimeoutError where either takes long."""
        member = self.fleet.members[name]
        process = member.process
        if process is None or not member.signal(number):
            return False
        member.started.clear()
        try:
            async with asyncio.timeout(_END_SECONDS):
                killed = await process.wait() == -signal.SIGKILL
                await member.started.wait()
        except TimeoutError:
            what = "has no successor" if process.returncode is not None else "runs on"
            raise TimeoutError(f"{name} {what} {_END_SECONDS:.0f} s after {number.name}") from None
        return killed == (number is signal.SIGKILL)

    async def _freeze(self, fault: Fault) -> bool:
        member = self.fleet.members[fault.target]
        if not member.signal(signal.SIGSTOP):
            return False
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            woke = member.signal(signal.SIGCONT)
        return woke

    async def _arm(self, point: str) -> tuple[bool, str]:
        """Hit when somebody has taken the file away and died."""
        file = self.layout.failpoints / point
        before = len(self.fleet.deaths)
        file.touch()
        deadline = asyncio.get_running_loop().time() + _FAILPOINT_SECONDS
        while file.exists():
            if asyncio.get_running_loop().time() > deadline:
                file.unlink(missing_ok=True)
                return False, ""
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        process = point.split(".", 1)[0]
        killed = [death.name for death in self.fleet.deaths[before:] if death.name.startswith(process)]
        return True, killed[-1] if killed else f"{process}-?"

    async def _storm(self, stage: str) -> bool:
        """Members come and go: bare ones that take partitions and give them back, or workers that are told to end.

        Hit when partitions moved, or a worker ended, at least once.
        """
        if self.layout.transport == "stock":
            return await self._terms(stage)
        return any([await self._visit(stage) for _ in range(_STORM_ROUNDS)])

    async def _terms(self, stage: str) -> bool:
        ends = []
        for number in range(_STORM_ROUNDS):
            ends.append(asyncio.create_task(self._end(f"{stage}-{number % 2 + 1}", signal.SIGTERM)))
            await asyncio.sleep(_STORM_PAUSE_SECONDS)
        return any(await asyncio.gather(*ends))

    async def _visit(self, stage: str) -> bool:
        command = [*BOUND, *self.visitor, self.layout.direct_servers, stage]
        visitor = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        with contextlib.suppress(TimeoutError):
            try:
                async with asyncio.timeout(_VISIT_SECONDS):
                    await visitor.wait()
            finally:
                if visitor.returncode is None:
                    visitor.kill()
                    await visitor.wait()
        return visitor.returncode == 0

    async def _away(self, names: Sequence[str], seconds: float) -> bool:
        """SIGKILL, and back after a while."""
        for name in names:
            self.fleet.pause_restarts(name)
        hits = [self.fleet.members[name].signal(signal.SIGKILL) for name in names]
        await asyncio.sleep(seconds)
        for name in names:
            await self.fleet.bring_back(name)
        return all(hits)

    async def _disturb(self, how: str, link: str, seconds: float) -> tuple[bool, str]:
        kind, number = link.rsplit("-", 1)
        used = await self._used((kind, int(number)))
        disturb = self._delay if how == "delay" else self._cut
        return await disturb(self.proxies[used], seconds), f"{used[0]}-{used[1]}"

    async def _delay(self, proxy: Proxy, seconds: float) -> bool:
        """Hit when something arrived late, which is waited for a little longer than planned."""
        proxy.late.clear()
        proxy.delay_seconds = _DELAY_SECONDS
        try:
            await asyncio.sleep(seconds)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SOMEBODY_SECONDS):
                    await proxy.late.wait()
        finally:
            proxy.delay_seconds = 0.0
        return proxy.late.is_set()

    async def _cut(self, proxy: Proxy, seconds: float) -> bool:
        """Hit when a connection broke or was turned away."""
        proxy.refusing, before = True, proxy.refused
        try:
            cut = proxy.cut()
            await asyncio.sleep(seconds)
        finally:
            proxy.refusing = False
        return cut > 0 or proxy.refused > before

    async def _used(self, chosen: tuple[str, int]) -> tuple[str, int]:
        """The chosen link once somebody uses it; where nobody does for long, another of its kind that is used now."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SOMEBODY_SECONDS):
                await self.proxies[chosen].somebody.wait()
            return chosen
        others = (link for link, proxy in self.proxies.items() if link[0] == chosen[0] and proxy.somebody.is_set())
        return next(others, chosen)
