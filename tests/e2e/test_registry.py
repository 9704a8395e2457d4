"""A whole platform whose schemas have their numbers from a registry of its own, with Kafka Connect beside it."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import OFFSET, Platform, start
from tests.waiting import until


@pytest.fixture
def home() -> Iterator[Path]:
    """Where PostgreSQL's own user can go, unlike pytest's folders."""
    folder = Path(tempfile.mkdtemp(prefix="sluice-e2e-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def connect(platform: Platform, said: Path) -> Iterator[None]:
    """`make connect`, and Ctrl-C."""
    command = [sys.executable, "-c", "from sluice.cli.main import main; main()", "connect-up"]
    with said.open("wb") as output:
        process = subprocess.Popen(command, env=platform.environment, stdout=output, stderr=output)
    try:
        assert until(lambda: "12 connectors run." in said.read_text() or process.poll() is not None, 120)
        assert process.poll() is None, said.read_text()
        yield
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, said.read_text()


def test_a_platform_runs_on_its_own_registry_and_lands_by_connect(home: Path, tmp_path: Path):
    platform = start(home, OFFSET + 400)
    platform.environment["SLUICE_REGISTRY"] = "local"
    up = platform.run("up", timeout=280)
    assert up.returncode == 0, up.stdout + up.stderr
    del platform.environment["SLUICE_REGISTRY"]  # it was chosen once, for as long as the log lasts
    try:
        asked = platform.ask("Which numbers do schemas have here?")
        assert asked["state"] == "completed"
        assert platform.run("turn", asked["turn_id"]).returncode == 0
        assert platform.run("schemas", "publish").stdout.startswith("21 subjects at http://127.0.0.1")
        assert "registry" in platform.run("status").stdout
        with connect(platform, tmp_path / "connect.txt"):
            states = json.loads(platform.run("connect", "status", "--json").stdout)
            assert len(states) == 12
            assert "Ports are taken" in platform.run("connect-up").stderr
        refused = platform.run("connect", "status")
        assert (refused.returncode, "make connect" in refused.stderr) == (3, True)
    finally:
        assert platform.run("down").returncode == 0
