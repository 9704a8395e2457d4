"""From the command to the first streamed token: with everything installed, and from a fresh clone."""

import asyncio
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measurement import NothingMeasured, Result
from benchmarks.options import Options
from benchmarks.running import RunningPlatform, command, environment_for, home_for, progress
from sluice.chat_client import ChatClient
from sluice.cli.chat import development_token
from sluice.ids import new_id
from sluice.paths import checkout
from sluice.settings import Settings

_WARM_BAR_SECONDS, _COLD_BAR_SECONDS = 25.0, 180.0
_STEP = re.compile(r"✓ (.+?) (\d+\.\d) s")
_TOKEN_SECONDS = 30.0


def startup(options: Options) -> Result:
    """A new home, the same home again, and with `--cold` a clone of what is committed."""
    result = Result(
        "startup",
        notes=[
            (
                "From the command to the first delta of a person's turn. `sluice up` ends only after it has answered a "
                "whole turn of its own, so a token has been streamed somewhat earlier."
            ),
            "startup: a home that has run before. startup.new_home: everything installed, log and keys not made yet.",
            "startup.cold: git clone, `make up`; packages come from the caches of pip, uv and Maven as they are.",
            "floor: the design's bar.",
        ],
    )
    with home_for(options.port_offset, instant=False) as platform:
        for name in ("startup.new_home", "startup"):
            begun = time.perf_counter()
            result.details[name] = steps(platform.run("up"))
            asyncio.run(first_delta(platform))
            result.add(name, time.perf_counter() - begun, "s", _WARM_BAR_SECONDS)
            progress(f"{name}: {result.details[name]}")
            platform.run("down")
    if options.cold:
        _cold(options, result)
    return result


def _cold(options: Options, result: Result) -> None:
    with tempfile.TemporaryDirectory(prefix="sluice-clone-") as folder:
        clone, home = Path(folder) / "sluice", Path(folder) / "home"
        environment = environment_for(home, options.port_offset, SLUICE_WAREHOUSE_SECONDS="")
        environment["PATH"] = os.pathsep.join(_without_environment(environment["PATH"]))
        environment.pop("VIRTUAL_ENV", None)
        python = shutil.which("python3", path=environment["PATH"])
        if python is None:
            raise NothingMeasured("there is no python3 outside this environment")
        settings = Settings(home=home, port_offset=options.port_offset)
        platform = RunningPlatform(settings, environment, clone / ".venv" / "bin" / "sluice")
        begun = time.perf_counter()
        try:
            command(["git", "clone", "--quiet", str(checkout()), str(clone)], environment)
            output = command(["make", f"PYTHON={python}", "up"], environment, clone)
            asyncio.run(first_delta(platform))
            result.add("startup.cold", time.perf_counter() - begun, "s", _COLD_BAR_SECONDS)
        finally:
            if (home / "supervisord.pid").exists():
                platform.run("down")
        result.details["startup.cold"] = steps(output)
        progress(f"startup.cold: {result.details['startup.cold']}")


def _without_environment(path: str) -> list[str]:
    own = Path(sys.executable).parent
    return [folder for folder in path.split(os.pathsep) if Path(folder) != own]


async def first_delta(platform: RunningPlatform) -> None:
    """Ask the first bot and return at its first delta. Raises NothingMeasured where none comes."""
    token = development_token(platform.settings, "benchmark")
    async with asyncio.timeout(_TOKEN_SECONDS), ChatClient(platform.settings.gateway_url, token) as client:
        frame = {"type": "message.send", "client_msg_id": new_id(), "session_id": new_id(), "text": "Hello"}
        await client.send(frame | {"bot": client.ready["bots"][0]["name"]})
        async for answer in client.frames():
            if answer["type"] == "delta":
                return
            if answer["type"] in ("failed", "error"):
                break
    raise NothingMeasured("the first turn after the start was not answered")


def steps(output: str) -> dict[str, float]:
    """Seconds by step, as `up` prints them."""
    return {what.strip(): float(seconds) for what, seconds in _STEP.findall(output)}
