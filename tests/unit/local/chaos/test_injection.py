"""A fault counts as hit only where its effect was seen; one that cannot be carried out is written down."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from local.chaos import injection
from local.chaos.evidence import Injected
from local.chaos.faults import Fault, FaultKind
from local.chaos.fleet import Fleet, Member
from local.chaos.injection import Injector
from local.chaos.layout import Layout
from local.chaos.proxy import Proxy
from tests.waiting import meanwhile

_OBEYS = "import signal; print('up', flush=True); signal.pause()"
_DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile 1: signal.pause()"

Start = Callable[[str, str], Any]


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    made = Fleet(lambda: 0.0)
    yield made
    made.kill_now()
    await made.stop()


@pytest.fixture
def start(fleet: Fleet, tmp_path: Path) -> Start:
    async def started(name: str, program: str) -> None:
        log = tmp_path / f"{name}.log"
        await fleet.launch(Member(name, [sys.executable, "-c", program], {}, log))
        await meanwhile(lambda: log.read_text().startswith("up"))

    return started


@pytest.fixture
def injector(fleet: Fleet, tmp_path: Path) -> Injector:
    return Injector(Layout(tmp_path, 0, "librdkafka"), fleet, {("broker", 1): Proxy(0, 0)}, lambda: 0.0)


async def inject(injector: Injector, kind: FaultKind, target: str) -> Injected:
    await injector.run([Fault(0.0, kind, target)])
    return injector.injected[-1]


@pytest.mark.parametrize("kind", ["kill", "term"])
async def test_an_end_with_a_successor_is_a_hit(injector: Injector, start: Start, kind: FaultKind):
    await start("redact-1", _OBEYS)
    member = injector.fleet.members["redact-1"]
    before = member.process
    assert (await inject(injector, kind, "redact-1")).done
    assert member.alive
    assert member.process is not before


async def test_who_does_not_end_is_no_hit_and_leaves_other_faults_alone(
    injector: Injector, start: Start, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(injection, "_END_SECONDS", 0.2)
    await start("redact-1", _DEAF)
    await start("redact-2", _OBEYS)
    await injector.run([Fault(0.0, "term", "redact-1"), Fault(0.3, "freeze", "redact-2")])
    by_target = {one.target: one for one in injector.injected}
    deaf, frozen = by_target["redact-1"], by_target["redact-2"]
    assert (deaf.done, deaf.error) == (False, "redact-1 runs on 0 s after SIGTERM")
    assert (frozen.done, frozen.error) == (True, "")


async def test_a_fault_on_nobody_is_written_down_as_failed(injector: Injector):
    failed = await inject(injector, "kill", "respond-7")
    assert (failed.done, failed.error) == (False, "'respond-7'")


@pytest.mark.parametrize(("status", "hit"), [(0, True), (1, False)])
async def test_a_storm_hits_where_a_visitor_had_partitions(injector: Injector, status: int, hit: bool):
    injector.visitor = (sys.executable, "-c", f"raise SystemExit({status})")
    assert (await inject(injector, "storm", "redact")).done is hit


async def test_a_visitor_that_hangs_is_given_up(injector: Injector, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(injection, "_VISIT_SECONDS", 0.05)
    injector.visitor = (sys.executable, "-c", _DEAF)
    assert not (await inject(injector, "storm", "redact")).done


async def test_a_delay_hits_where_something_came_late(injector: Injector):
    proxy = injector.proxies["broker", 1]
    proxy.somebody.set()
    delaying = asyncio.create_task(inject(injector, "delay", "broker-1"))
    await meanwhile(lambda: proxy.delay_seconds)
    proxy.late.set()
    assert (await delaying).done
    assert proxy.delay_seconds == 0.0


async def test_a_delay_that_holds_nothing_back_is_no_hit(injector: Injector, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(injection, "_SOMEBODY_SECONDS", 0.05)
    proxy = injector.proxies["broker", 1]
    proxy.somebody.set()
    assert not (await inject(injector, "delay", "broker-1")).done
    assert proxy.delay_seconds == 0.0
