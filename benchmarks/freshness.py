"""How long events are on their way into the facts, while people talk and the schedule builds the warehouse."""

import asyncio
from itertools import pairwise

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.load import ask
from benchmarks.measurement import NothingMeasured, Result
from benchmarks.options import Options
from benchmarks.running import INSTANT, RunningPlatform, progress, running_platform

_RATE, _SECONDS, _SESSIONS = 3.0, 300, 40
_OBJECTIVE = 60.0
_FEWEST = 1_000
_NOTES = [
    f"freshness: {_RATE:g} turns a second for {_SECONDS} s beside the builds, all on this machine.",
    "to_fact_p95: from an event's place on the log to its row in the facts in use, inside a bucket of 5 s by a line.",
    "last_run: the last of those builds, tests included. floor: the objective of 60 s for both.",
]
Bucket = tuple[float, float]


def freshness(options: Options) -> Result:
    """As `make up` starts it: a build every half a minute where something has landed."""
    result = Result("freshness", notes=list(_NOTES))
    with running_platform(options.port_offset, instant=True, SLUICE_WAREHOUSE_SECONDS="") as platform:
        progress(f"{_RATE:g} turns/s for {_SECONDS} s")
        asyncio.run(ask(platform, INSTANT, rate=_RATE, turns=int(_RATE * _SECONDS), sessions=_SESSIONS))
        buckets, others = _metrics(platform)
    if not buckets or buckets[-1][1] < _FEWEST or others["sluice_warehouse_last_run_ok"] != 1:
        raise NothingMeasured(f"too few events in the facts, or a failed build: {buckets}, {others}")
    result.details = {"buckets": buckets} | others
    result.add("freshness.to_fact_p95", quantile(buckets, 0.95), "s", _OBJECTIVE)
    result.add("freshness.last_run", others["sluice_warehouse_last_run_seconds"], "s", _OBJECTIVE)
    return result


def quantile(buckets: list[Bucket], share: float) -> float:
    """Of a cumulative histogram, as Prometheus' histogram_quantile does; the last bucket has no end."""
    wanted = share * buckets[-1][1]
    for (low, before), (high, count) in pairwise([(0.0, 0.0), *buckets]):
        if count >= wanted:
            return low + (high - low) * (wanted - before) / (count - before)
    return float("inf")


def _metrics(platform: RunningPlatform) -> tuple[list[Bucket], dict[str, float]]:
    url = f"http://127.0.0.1:{platform.settings.metrics_port('warehouse')}/metrics"
    buckets, others = [], {}
    for family in text_string_to_metric_families(httpx.get(url).text):
        for sample in family.samples:
            if sample.name == "sluice_event_to_fact_seconds_bucket":
                buckets.append((float(sample.labels["le"]), sample.value))
            elif sample.name.startswith("sluice_warehouse"):
                others[sample.name + "".join(f" {label}" for label in sample.labels.values())] = sample.value
    return buckets, others
