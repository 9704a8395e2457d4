"""A platform for one benchmark: real broker, all processes, a home of its own that goes away with it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.measurement import NothingMeasured
from local.processes import ProcessManager
from sluice.settings import Settings

_UP_SECONDS = 300.0
_BOT = """\
name: instant
description: Echoes without think time
template: assistant@1
limits: {output_tokens: 100000, context_tokens: 100000}
route:
  - model: openai/instant
    api_base: http://127.0.0.1:9100/v1
    api_key: SLUICE_DEV_KEY
    price: {prompt_per_million_usd: 0.15, completion_per_million_usd: 0.60}
"""
INSTANT = "instant"


@dataclass(frozen=True, slots=True)
class RunningPlatform:
    """`sluice` is the command that belongs to it."""

    settings: Settings
    environment: dict[str, str]
    sluice: Path

    def run(self, *arguments: str) -> str:
        """`sluice ...` to its end. Raises NothingMeasured with its words where it fails."""
        return command([str(self.sluice), *arguments], self.environment)

    def processes(self) -> dict[str, psutil.Process]:
        """By name, the process manager too."""
        manager = psutil.Process(int((self.settings.home / "supervisord.pid").read_text()))
        named = {state.name: psutil.Process(state.pid) for state in ProcessManager(self.settings).states() if state.pid}
        return named | {"supervisord": manager}

    def cpu_seconds(self) -> dict[str, float]:
        """Used so far, by process, user and system together."""
        return {name: sum(process.cpu_times()[:2]) for name, process in self.processes().items()}


def environment_for(home: Path, port_offset: int, **more: str) -> dict[str, str]:
    """The environment of this process with nothing of another platform in it. No warehouse is built beside."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_") and name != "MAKEFLAGS"}
    own |= {"SLUICE_HOME": str(home), "SLUICE_PORT_OFFSET": str(port_offset), "SLUICE_WAREHOUSE_SECONDS": "0"}
    return own | more


@contextmanager
def home_for(port_offset: int, *, instant: bool, **more: str) -> Iterator[RunningPlatform]:
    """A platform that is not up yet; whatever runs in the end is taken down. `instant`: with the one quick bot;
    `more`: settings of its own.
    """
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        home, bots = Path(folder) / "home", Path(folder) / "bots"
        if instant:
            bots.mkdir()
            (bots / "instant.yaml").write_text(_BOT)
            more["SLUICE_BOTS_DIR"] = str(bots)
        environment = environment_for(home, port_offset, **more)
        platform = RunningPlatform(
            Settings(home=home, port_offset=port_offset), environment, Path(sys.executable).with_name("sluice")
        )
        try:
            yield platform
        finally:
            if (home / "supervisord.pid").exists():
                platform.run("down")


@contextmanager
def running_platform(port_offset: int, *, instant: bool = True, **more: str) -> Iterator[RunningPlatform]:
    """Up and warm: it has answered a turn."""
    with home_for(port_offset, instant=instant, **more) as platform:
        begun = time.perf_counter()
        platform.run("up")
        progress(f"platform up in {time.perf_counter() - begun:.1f} s at {platform.settings.gateway_url}")
        yield platform


def command(words: list[str], environment: dict[str, str], folder: Path | None = None) -> str:
    """Run to the end and give its output. Raises NothingMeasured where it fails."""
    done = subprocess.run(
        words, env=environment, cwd=folder, capture_output=True, text=True, timeout=_UP_SECONDS, check=False
    )
    if done.returncode:
        raise NothingMeasured(f"`{' '.join(words)}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def progress(text: str) -> None:
    """For who watches; standard output has the BENCH lines only."""
    print(f"  {text}", file=sys.stderr, flush=True)
