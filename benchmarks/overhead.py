"""What the platform adds to a turn, beside a chain of bare librdkafka processes with the same number of hops."""

import asyncio
from collections.abc import Callable
from typing import Any

from benchmarks.chain import Chain, bare_chain
from benchmarks.load import AskedTurn, Run, ask
from benchmarks.measurement import Result, percentile, spread
from benchmarks.options import Options
from benchmarks.running import INSTANT, RunningPlatform, progress, running_platform
from benchmarks.segments import segments_of

_FAST, _SLOW, _SLOWEST = 50.0, 5.0, 6.0
_SECONDS = 15.0
_SESSIONS = 200
_NOTES = [
    (
        "first_delta: the client's send to the first delta frame in its hands, the development model included "
        "(no think time, but HTTP and litellm)."
    ),
    (
        "overhead: first_delta without the model's part (first_token_ms: development provider, its HTTP, litellm). "
        "Gateway in, four hops over Kafka, three stages, gateway out."
    ),
    (
        "stages: latency_ms.overhead of the completed frame, stamped by gateway and respond: as overhead, but "
        "without the last hop and the delivery. Provider and model adapter are in first_token_ms and never in an "
        "overhead."
    ),
    "accepted: the client's send to the accepted frame, which waits for Kafka's acknowledgement.",
    (
        "floor: four topics, three processes that poll and produce, linger 0, acks all, same broker, same rate, half "
        "measured before and half after the platform's turns while the platform stands idle."
    ),
    "A rate at which the queue grows is printed with its achieved rate only, and the next lower one is measured.",
]


def overhead(options: Options) -> Result:
    """At 50 turns a second, or the highest half of it that is sustained, and at 5."""
    result = Result("overhead", notes=list(_NOTES))
    with running_platform(options.port_offset) as platform, bare_chain(platform.settings.bootstrap_servers) as chain:
        rate = _FAST
        while rate > _SLOWEST and not _at_rate(rate, platform, chain, result):
            rate /= 2
        _at_rate(_SLOW, platform, chain, result)
    return result


def _at_rate(rate: float, platform: RunningPlatform, chain: Chain, result: Result) -> bool:
    """True where the platform keeps up."""
    turns = max(100, round(rate * _SECONDS))
    progress(f"{turns} turns at {rate:g}/s, with half the floor before and half after")
    floor = chain.milliseconds(rate, turns // 2)
    before = platform.cpu_seconds()
    run = asyncio.run(ask(platform, INSTANT, rate=rate, turns=turns, sessions=_SESSIONS))
    used = {name: seconds - before.get(name, 0.0) for name, seconds in platform.cpu_seconds().items()}
    floor += chain.milliseconds(rate, turns - turns // 2)
    name = f"overhead.{rate:g}"
    ways = {key: spread(values) for key, values in segments_of(platform, [t.turn_id for t in run.turns]).items()}
    result.details[name] = _details(run) | {
        "saturated": run.saturated,
        "floor_ms": spread(floor),
        "cpu_seconds_warm_up_included": {key: round(value, 2) for key, value in used.items()},
        "segments_ms": ways,
    }
    result.add(f"{name}.achieved", run.achieved, "turns/s", rate)
    for key, way in ways.items():
        progress(f"{key:16} p50 {way['p50']:8.2f} ms   p95 {way['p95']:8.2f} ms")
    if run.saturated and rate > _SLOWEST:
        progress(f"{rate:g}/s is more than it sustains: first_delta p50 {percentile(_first_deltas(run), 50):.0f} ms")
        return False
    for what, read in _COLUMNS.items():
        values = [read(turn) for turn in run.turns]
        for percent in (50, 95):
            result.add(f"{name}.{what}.p{percent}", percentile(values, percent), "ms", percentile(floor, percent))
    return True


def _first_deltas(run: Run) -> list[float]:
    return [turn.first_delta_ms for turn in run.turns]


_COLUMNS: dict[str, Callable[[AskedTurn], float]] = {
    "overhead": lambda turn: turn.platform_ms,
    "stages": lambda turn: turn.stages_ms,
    "first_delta": lambda turn: turn.first_delta_ms,
    "accepted": lambda turn: turn.accepted_ms,
}


def _details(run: Run) -> dict[str, Any]:
    def of(read: str) -> dict[str, float]:
        return spread([getattr(turn, read) for turn in run.turns])

    names = ("platform_ms", "stages_ms", "first_delta_ms", "accepted_ms", "model_ms")
    late = spread([turn.late * 1000 for turn in run.turns])
    return {name: of(name) for name in names} | {"sent_behind_plan_ms": late, "delivery_ms": spread(_delivery(run))}


def _delivery(run: Run) -> list[float]:
    """What lies between the stages' overhead and the client's: first hop into the gateway, last hop, socket."""
    return [_delivered(turn) for turn in run.turns]


def _delivered(turn: AskedTurn) -> float:
    return turn.platform_ms - turn.stages_ms
