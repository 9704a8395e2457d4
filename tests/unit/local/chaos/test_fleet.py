"""Whatever ends a campaign, nobody it started stays behind, not even a process that was stopped and never woken."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.chaos import fleet
from local.chaos.evidence import Injected
from local.chaos.faults import Fault
from local.chaos.fleet import BOUND, Fleet, Member
from local.chaos.injection import Injector
from local.chaos.layout import Layout
from tests.waiting import meanwhile, until

_OBEYS = "import signal; print('up', flush=True); signal.pause()"
_DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile 1: signal.pause()"
_DIES_AND_LEAVES_ONE_STOPPED = """
import asyncio, os, signal, sys
from pathlib import Path
from local.chaos.fleet import Fleet, Member
from tests.waiting import meanwhile

async def main():
    member = Member("worker-1", [sys.executable, "-c", sys.argv[2]], {}, Path(sys.argv[1]))
    await Fleet(lambda: 0.0).launch(member)
    await meanwhile(lambda: member.log.read_text() == "up\\n")  # from here on it is bound to its parent
    member.signal(signal.SIGSTOP)
    print(member.process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def started(made: Fleet, folder: Path, program: str) -> Member:
    member = Member("worker-1", [sys.executable, "-c", program], {}, folder / "log")
    await made.launch(member)
    await meanwhile(lambda: member.log.read_text() == "up\n")
    return member


def state(pid: int) -> str:
    """As ps tells it: T is stopped; empty where there is none."""
    return subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(("program", "status"), [(_OBEYS, -signal.SIGTERM), (_DEAF, -signal.SIGKILL)])
async def test_a_stopped_process_is_woken_to_end_and_killed_where_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, status: int
):
    monkeypatch.setattr(fleet, "_STOP_SECONDS", 0.5 if program == _DEAF else 10.0)
    made = Fleet(lambda: 0.0)
    member = await started(made, tmp_path, program)
    member.signal(signal.SIGSTOP)
    await made.stop()
    assert member.process is not None
    assert member.process.returncode == status


async def test_the_last_resort_ends_a_stopped_process(tmp_path: Path):
    made = Fleet(lambda: 0.0)
    member = await started(made, tmp_path, _OBEYS)
    member.kept = False
    member.signal(signal.SIGSTOP)
    made.kill_now()
    await made.gone("worker-1")
    assert not member.alive


async def test_a_freeze_that_is_cut_short_wakes_its_victim(tmp_path: Path):
    made = Fleet(lambda: 0.0)
    member = await started(made, tmp_path, _OBEYS)
    assert member.process is not None
    pid = member.process.pid
    injected: list[Injected] = []
    injector = Injector(Layout(tmp_path, 0, "librdkafka"), made, {}, lambda: 0.0, injected=injected)
    freezing = asyncio.create_task(injector.run([Fault(0.0, "freeze", "worker-1", 60.0)]))
    await meanwhile(lambda: state(pid).startswith("T"))
    freezing.cancel()
    await asyncio.wait([freezing])
    assert not state(pid).startswith("T")
    await made.stop()


@pytest.mark.skipif(not BOUND, reason="no setpriv")
def test_a_campaign_that_is_killed_takes_a_stopped_process_with_it(tmp_path: Path):
    words = [sys.executable, "-c", _DIES_AND_LEAVES_ONE_STOPPED, str(tmp_path / "log"), _OBEYS]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == -signal.SIGKILL
    assert until(lambda: not state(int(done.stdout)).strip("Z \n"), 10.0)
