"""Small fault campaigns, end to end: everything is hit and nothing is lost, unless Faust's own transport is at work."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from local.chaos.evidence import load
from local.chaos.faults import KINDS
from tests.e2e.conftest import SLUICE


def campaign(home: Path, *options: str) -> tuple[int, dict[str, float], str]:
    """Exit status, numbers of the last line, all output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    done = subprocess.run(
        [SLUICE, "chaos", *options],
        env=environment | {"SLUICE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    last = done.stdout.splitlines()[-1]
    assert last.startswith("CHAOS "), done.stdout + done.stderr
    return done.returncode, {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", last)}, done.stdout


@pytest.mark.timeout(570)
def test_a_small_campaign_breaks_everything_and_no_promise(tmp_path: Path):
    status, numbers, said = campaign(tmp_path, "--turns", "60", "--seed", "1")
    assert numbers["turns"] == 60, said
    assert {name for name, value in numbers.items() if value} <= {"turns", "faults", "recovery_p95_s"}, said
    assert status == 0, said
    (folder,) = (tmp_path / "chaos").iterdir()
    assert {fault.kind for fault in load(folder).faults if fault.done} == set(KINDS)


@pytest.mark.timeout(570)
def test_the_checker_notices_what_fausts_own_transport_does(tmp_path: Path):
    """Workers die with turns in hand. Stock, one is lost, answered twice, or its model is asked again and again.

    What is broken is broken, whether or not each kind of fault hit somebody in so few turns.
    """
    status, _numbers, said = campaign(tmp_path, "--turns", "90", "--rate", "4.5", "--seed", "4", "--transport", "stock")
    (folder,) = (tmp_path / "chaos").iterdir()
    verdict = json.loads((folder / "verdict.json").read_text())
    assert {finding["invariant"] for finding in verdict["findings"] if finding["violations"]}, said
    assert status == 1, said
