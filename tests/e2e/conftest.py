"""The whole platform, started as people start it, in a home and on ports of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sluice.settings import Settings

SLUICE = str(Path(sys.executable).with_name("sluice"))
OFFSET = int(os.environ.get("SLUICE_TEST_PORT_OFFSET", "3000"))


@dataclass(frozen=True)
class Platform:
    """A running platform."""

    settings: Settings
    environment: dict[str, str]

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """`sluice ...` as a process."""
        return subprocess.run(
            [SLUICE, *arguments], env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    def ask(self, text: str, *more: str) -> dict[str, Any]:
        """`sluice chat --once --json`."""
        done = self.run("chat", "--once", text, "--json", *more)
        assert done.stdout, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document


def start(home: Path, offset: int) -> Platform:
    own = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    environment = own | {
        "SLUICE_HOME": str(home),
        "SLUICE_PORT_OFFSET": str(offset),
        "SLUICE_WAREHOUSE_SECONDS": "0",  # tests that want one build it
    }
    return Platform(Settings(home=home, port_offset=offset, warehouse_seconds=0), environment)


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Up before the first test that needs it, down after the last."""
    running = start(tmp_path_factory.mktemp("platform"), OFFSET)
    up = running.run("up", timeout=280)
    assert up.returncode == 0, up.stdout + up.stderr
    try:
        yield running
    finally:
        down = running.run("down")
        assert down.returncode == 0, down.stdout + down.stderr


@pytest.fixture
def in_process(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a command of the CLI in this process, against the platform."""
    from typer.testing import CliRunner

    from sluice.cli.main import build

    for name in ("SLUICE_HOME", "SLUICE_PORT_OFFSET"):
        monkeypatch.setenv(name, platform.environment[name])

    def invoke(*arguments: str, **over: str) -> Any:
        for name, value in over.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(build(), list(arguments))

    return invoke
