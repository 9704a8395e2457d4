"""A small fault campaign, end to end: everything is hit, nothing is lost."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from local.chaos.evidence import load
from local.chaos.faults import KINDS
from tests.e2e.conftest import SLUICE


@pytest.mark.timeout(280)
def test_a_small_campaign_breaks_everything_and_no_promise(tmp_path: Path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    done = subprocess.run(
        [SLUICE, "chaos", "--turns", "60", "--seed", "1"],
        env=environment | {"SLUICE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=260,
        check=False,
    )
    last = done.stdout.splitlines()[-1]
    numbers = dict(re.findall(r"(\w+)=([\d.]+)", last))
    assert last.startswith("CHAOS turns=60 "), done.stdout + done.stderr
    assert {name for name, value in numbers.items() if float(value)} <= {"turns", "faults", "recovery_p95_s"}, (
        done.stdout
    )
    assert done.returncode == 0, done.stdout
    (folder,) = (tmp_path / "chaos").iterdir()
    assert {fault.kind for fault in load(folder).faults if fault.done} == set(KINDS)
