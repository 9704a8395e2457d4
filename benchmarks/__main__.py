"""`python -m benchmarks [NAME ...]`: BENCH lines on standard output, progress on standard error."""

import argparse
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException

from benchmarks.codec import codec
from benchmarks.crowd import crowd
from benchmarks.deltas import deltas
from benchmarks.erasure import erasure
from benchmarks.freshness import freshness
from benchmarks.landing import landing
from benchmarks.measurement import NothingMeasured, Result
from benchmarks.memory import memory
from benchmarks.options import Options
from benchmarks.overhead import overhead
from benchmarks.personal.benchmark import personal
from benchmarks.relay import relay
from benchmarks.running import progress
from benchmarks.sockets import sockets
from benchmarks.stage import stage
from benchmarks.startup import startup
from benchmarks.warehouse import warehouse
from sluice.clock import utc_now
from sluice.errors import Unavailable
from sluice.paths import checkout

BENCHMARKS: dict[str, Callable[[Options], Result]] = {
    "codec": codec,
    "startup": startup,
    "memory": memory,
    "deltas": deltas,
    "overhead": overhead,
    "sockets": sockets,
    "stage": stage,
    "relay": relay,
    "crowd": crowd,
    "erasure": erasure,
    "freshness": freshness,
    "landing": landing,
    "personal": personal,
    "warehouse": warehouse,
}
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """1 where a benchmark could not measure what it was to measure; the others run all the same."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the platform. Each line: BENCH name value unit floor value ratio.",
        epilog="Each benchmark starts a platform of its own in a temporary home and takes it down again.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--cold", action="store_true", help="startup: also from a fresh clone (minutes)")
    parser.add_argument("--port-offset", type=int, default=Options().port_offset, help="of that platform (%(default)s)")
    parser.add_argument("--events", type=int, default=Options().events, help="of landing and warehouse (%(default)s)")
    parser.add_argument("--growth", action="store_true", help="warehouse: also a tenth and four times the events")
    given = parser.parse_args()
    unknown = set(given.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options = Options(given.port_offset, given.cold, given.events, given.growth)
    failed = [name for name in given.names or BENCHMARKS if not _run(name, options)]
    if failed:
        print(f"Not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str, options: Options) -> bool:
    progress(f"-- {name}")
    machine = _machine()
    try:
        result = BENCHMARKS[name](options)
    except (NothingMeasured, Unavailable, KafkaException, TimeoutError) as error:
        print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
        return False
    file = result.write(RESULTS, utc_now(), machine)
    for measurement in result.measurements:
        print(measurement.line, flush=True)
    progress(f"details in {file}")
    return True


def _machine() -> dict[str, Any]:
    """What the numbers depend on. The load is that before the run: other people's."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=checkout(), capture_output=True, text=True, check=False
    )
    return {
        "commit": described.stdout.strip(),
        "cores": os.cpu_count(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "system": platform.platform(),
    }


if __name__ == "__main__":
    sys.exit(main())
