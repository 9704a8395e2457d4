"""The units of the recipe are ones that systemd takes."""

import shutil
import subprocess
from pathlib import Path

import pytest

from sluice.paths import data_folder

UNITS = data_folder("deploy") / "systemd"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    program = tmp_path / "sluice"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in UNITS.glob("sluice-warehouse.*"):
        text = unit.read_text().replace("/opt/sluice/.venv/bin/sluice", str(program)).replace("/opt/sluice", "/tmp")
        (tmp_path / unit.name).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.glob("sluice-warehouse.*")))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_timer_begins_the_service_that_runs_a_command_there_is() -> None:
    assert {path.name for path in UNITS.iterdir()} == {"sluice-warehouse.service", "sluice-warehouse.timer"}
    assert "ExecStart=/opt/sluice/.venv/bin/sluice warehouse\n" in (UNITS / "sluice-warehouse.service").read_text()
