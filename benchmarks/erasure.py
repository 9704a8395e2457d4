"""How long the erasure of a person with 1,000 turns takes, beside the build of the warehouse that is a part of it."""

import asyncio
import json
import time

from benchmarks.load import SUBJECT, ask
from benchmarks.measurement import NothingMeasured, Result
from benchmarks.options import Options
from benchmarks.running import INSTANT, progress, running_platform

_TURNS, _RATE, _SESSIONS = 1_000, 40.0, 50
_NOTES = [
    "erasure: `sluice erase` from its start to the proof in its hands, with a warehouse in place.",
    "rows: landed rows that were the person's.",
    "floor: `sluice warehouse` by itself, just before. An erasure builds it once more.",
]


def erasure(options: Options) -> Result:
    """One person, 50 conversations, everything landed."""
    result = Result("erasure", notes=list(_NOTES))
    with running_platform(options.port_offset) as platform:
        progress(f"{_TURNS} turns at {_RATE:g}/s")
        asyncio.run(ask(platform, INSTANT, rate=_RATE, turns=_TURNS, sessions=_SESSIONS))
        platform.run("warehouse")
        begun = time.perf_counter()
        platform.run("warehouse")
        floor = time.perf_counter() - begun
        begun = time.perf_counter()
        proof = json.loads(platform.run("erase", SUBJECT, "--yes", "--json"))
        seconds = time.perf_counter() - begun
    if proof["rows"] < _TURNS:
        raise NothingMeasured(f"only {proof['rows']} rows were the person's")
    result.details["proof"] = proof
    result.add("erasure.seconds", seconds, "s", floor)
    return result
