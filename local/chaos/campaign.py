"""The composition: start everything, let people talk while it breaks, gather the evidence, leave nothing behind."""

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
from confluent_kafka import KafkaException
from rich.console import Console

from local import jars
from local.broker import new_cluster
from local.chaos import bots
from local.chaos.conversation import conversations
from local.chaos.evidence import Backlog, Evidence
from local.chaos.faults import Fault, plan
from local.chaos.fleet import Fleet, Member
from local.chaos.injection import Injector
from local.chaos.layout import GATEWAYS, NODES, Layout
from local.chaos.population import Population
from local.chaos.proxy import Proxy
from local.chaos.reading import (
    groups_complete,
    landed_topics,
    read_backlog,
    read_commits,
    read_facts,
    read_landing,
    read_meter,
    read_topics,
)
from sluice.clock import utc_now
from sluice.errors import Unavailable
from sluice.kafka_admin import KafkaAdmin, wait_for_topics
from sluice.key_files import make_key_files
from sluice.topics import catalogue

_READY_SECONDS = 120.0
_PATIENCE_SECONDS = 60.0
_LAG_SECONDS = 45.0
_SETTLE_SECONDS = 15.0
_TWO = (1, 2)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the person asked for. `rate` is turns a second, `scale` rounds of faults."""

    turns: int
    seed: int
    rate: float
    scale: int
    calm: bool = False

    @property
    def window_seconds(self) -> float:
        """How long people talk."""
        return self.turns / self.rate


@dataclass(slots=True)
class Campaign:
    """One run."""

    layout: Layout
    choices: Choices
    console: Console
    fleet: Fleet = field(default_factory=lambda: Fleet(now_ms))
    proxies: dict[tuple[str, int], Proxy] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    """Grows while the campaign runs, so that whatever ends it leaves what is known."""

    async def run(self) -> None:
        """Raises ConfigurationError or Unavailable where the platform does not come up. What fails later is noted."""
        async with self._platform():
            await self._noted("the campaign", self._breaking())
            await self._read()

    async def _noted(self, what: str, work: Awaitable[T]) -> T | None:
        try:
            return await work
        except Exception as error:
            self.evidence.problems.append(f"{what} failed: {error!r}")
            self.console.print_exception()
            return None

    async def _breaking(self) -> None:
        settings, choices = self.layout.settings, self.choices
        planned: list[Fault] = [] if choices.calm else plan(choices.seed, choices.window_seconds, choices.scale)
        self.evidence = evidence = Evidence(
            landed_topics=landed_topics(),
            bots=bots.facts(settings),
            planned=[fault.kind for fault in planned],
            turns=choices.turns,
            ended=self.fleet.deaths,
        )
        sayings = conversations(choices.seed, choices.turns, choices.rate, bots.WEIGHTS)
        gateways = [f"http://127.0.0.1:{self.layout.proxy_port('gateway', n)}" for n in GATEWAYS]
        people = Population(settings, gateways, sayings, now_ms, choices.seed, evidence.seen, evidence.asked)
        settle_seconds = _SETTLE_SECONDS if choices.scale else 0.0
        injector = Injector(self.layout, self.fleet, self.proxies, now_ms, settle_seconds, evidence.faults)
        try:
            self._say(f"{choices.turns} turns, {len(planned)} faults planned over {choices.window_seconds:.0f} s")
            people.enter()
            await asyncio.gather(
                self._noted("speaking", people.speak()), self._noted("breaking", injector.run(planned))
            )
            self._say("all said and all broken; waiting for the last answers")
            if not await people.answered(_PATIENCE_SECONDS):
                self._say(f"{people.unanswered} turns have no end at their client after {_PATIENCE_SECONDS:.0f} s")
            await people.leave()
            evidence.backlog = await self._until_no_lag()
        finally:
            await people.leave()

    async def _read(self) -> None:
        """Each part for itself: one that cannot be read leaves the others."""
        self._say("reading topics, landing zone and meter, building the facts")
        evidence, settings = self.evidence, self.layout.settings
        in_thread = asyncio.to_thread
        evidence.meter = await self._noted("reading the meter", in_thread(read_meter, settings)) or []
        evidence.landed = await self._noted("reading what landed", in_thread(read_landing, settings.landing_dir)) or []
        environment = self.layout.environment(os.environ, 1)  # noqa: TID251 (handed on to a process)
        evidence.facts = await self._noted("building the facts", in_thread(read_facts, environment)) or {}
        evidence.records = await self._noted("reading topics", in_thread(read_topics, settings)) or []
        evidence.committed = await self._noted("reading commits", in_thread(read_commits, settings)) or []
        evidence.faults.sort(key=lambda fault: fault.begin_ms)

    async def _until_no_lag(self) -> list[Backlog]:
        """Nothing may come meanwhile: what is read later would be of another moment."""
        deadline = asyncio.get_running_loop().time() + _LAG_SECONDS
        rows: list[Backlog] = []
        while asyncio.get_running_loop().time() < deadline:
            before = rows
            try:
                rows = await asyncio.to_thread(read_backlog, self.layout.settings)
            except (KafkaException, Unavailable, TimeoutError):
                continue
            if rows and rows == before and all(row.end == row.begin or row.committed == row.end for row in rows):
                return rows
            await asyncio.sleep(0.5)
        return rows

    @asynccontextmanager
    async def _platform(self) -> AsyncIterator[None]:
        self._prepare()
        try:
            await self._start()
            yield
        finally:
            self._say("stopping everything")
            await self.fleet.stop()
            for proxy in self.proxies.values():
                await proxy.stop()

    def _prepare(self) -> None:
        self.layout.check_ports()
        shutil.rmtree(self.layout.home, ignore_errors=True)
        self.layout.failpoints.mkdir(parents=True)
        bots.write_bots(self.layout.bots, f"http://127.0.0.1:{self.layout.proxy_port('provider', 1)}/v1")
        make_key_files(self.layout.settings.keys_dir)
        jars.install(jars.kafka_lib())

    async def _start(self) -> None:
        self._say("starting three brokers")
        for kind, number in self.layout.links:
            proxy = Proxy(self.layout.proxy_port(kind, number), self.layout.target_port(kind, number))
            self.proxies[kind, number] = proxy
            await proxy.start()
        cluster = new_cluster(self.layout.controller_ports)
        brokers = {node: self.layout.broker(node, cluster) for node in NODES}
        await asyncio.gather(*(asyncio.to_thread(broker.prepare) for broker in brokers.values()))
        for node, broker in brokers.items():
            await self._launch("broker", node, broker.command)
        await self._module("provider", "local.provider", 1)
        await self._topics()
        self._say("starting two of each worker and gateway")
        for number in _TWO:
            for stage in ("enrich", "redact", "respond"):
                await self._module(stage, f"streams.{stage}", number)
        await self._module("landing", "connectors.landing", 1)
        for number in GATEWAYS:
            await self._module("gateway", "gateway", number)
        await self._ready()

    async def _topics(self) -> None:
        servers = self.layout.direct_servers
        deadline = asyncio.get_running_loop().time() + _READY_SECONDS
        while True:
            try:
                await asyncio.to_thread(_make_topics, servers)
            except (Unavailable, KafkaException):
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.3)
            else:
                return

    async def _ready(self) -> None:
        """Gateways say so, and every group has its members."""
        deadline = asyncio.get_running_loop().time() + _READY_SECONDS
        async with httpx.AsyncClient(timeout=3, trust_env=False) as http:
            waiting = {f"http://127.0.0.1:{self.layout.target_port('gateway', n)}/readyz" for n in GATEWAYS}
            while waiting or not await asyncio.to_thread(groups_complete, self.layout.direct_servers):
                for address in list(waiting):
                    with contextlib.suppress(httpx.HTTPError):
                        if (await http.get(address)).status_code == httpx.codes.OK:
                            waiting.discard(address)
                if asyncio.get_running_loop().time() > deadline:
                    raise Unavailable(
                        f"Not ready: {sorted(waiting) or 'the groups'}; logs are in {self.layout.settings.logs_dir}"
                    )
                await asyncio.sleep(0.2)

    async def _module(self, name: str, module: str, number: int) -> None:
        await self._launch(name, number, [sys.executable, "-m", module])

    async def _launch(self, name: str, number: int, command: list[str]) -> None:
        environment = self.layout.environment(os.environ, number)  # noqa: TID251 (handed on to processes)
        log: Path = self.layout.settings.logs_dir / f"{name}-{number}.log"
        await self.fleet.launch(Member(f"{name}-{number}", command, environment, log))

    def _say(self, text: str) -> None:
        self.console.print(f"[dim]{utc_now():%H:%M:%S}[/dim] {text}", highlight=False, soft_wrap=True)


def now_ms() -> float:
    """Epoch milliseconds, as the log's own."""
    return utc_now().timestamp() * 1000


def _make_topics(servers: str) -> None:
    admin = KafkaAdmin(servers)
    admin.apply(catalogue().values(), len(NODES))
    wait_for_topics(admin, catalogue())
