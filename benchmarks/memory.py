"""Resident memory of a platform that has answered twenty turns of the default bot."""

import asyncio

import psutil

from benchmarks.load import ask
from benchmarks.measurement import Result
from benchmarks.options import Options
from benchmarks.running import progress, running_platform

_BAR_MB = 2500.0
_MEGABYTE = 1_000_000
_BOT = "assistant"
_TURNS = 20


def memory(options: Options) -> Result:
    """By process with its children, and the sum."""
    result = Result(
        "memory",
        notes=[
            "Resident, by process with its children, after the turns; the sum counts shared pages more than once.",
            "floor: the design's bar for the whole platform, so a process's ratio is its share of the bar.",
            "unique_mb: without shared pages (USS).",
        ],
    )
    with running_platform(options.port_offset, instant=False) as platform:
        progress(f"{_TURNS} turns")
        asyncio.run(ask(platform, _BOT, rate=2.0, turns=_TURNS, sessions=_TURNS))
        families = {name: _family(process) for name, process in platform.processes().items()}
        families["supervisord"] = families["supervisord"][:1]
        used = {name: _resident(family) for name, family in families.items()}
        result.details["unique_mb"] = {name: round(_unique(family)) for name, family in families.items()}
        result.details["turns"] = _TURNS
        for name in sorted(used, key=lambda name: -used[name]):
            result.add(f"memory.{name}", used[name], "MB", _BAR_MB)
        result.add("memory", sum(used.values()), "MB", _BAR_MB)
    return result


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _resident(family: list[psutil.Process]) -> float:
    return sum(process.memory_info().rss for process in family) / _MEGABYTE


def _unique(family: list[psutil.Process]) -> float:
    return sum(process.memory_full_info().uss for process in family) / _MEGABYTE
