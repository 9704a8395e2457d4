"""The warehouse's composition root: `python -m connectors.warehouse.schedule`. Builds it whenever something has landed.

It looks only at what has landed, so it needs neither Kafka nor keys. Builds are never two at once, whoever begins them,
and one that fails leaves the tables of the last good one.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.dbt_environment import DbtEnvironment
from connectors.landing import landed_topics
from connectors.landing_zone import LandingZone
from connectors.to_fact import Ends, seconds_to_fact
from connectors.warehouse.build import AtWork, Build, Warehouse
from connectors.warehouse.metrics import WarehouseMetrics
from connectors.warehouse.runs import last_run
from sluice.clock import Clock, utc_now
from sluice.errors import ConfigurationError, Unavailable
from sluice.logs import Logger, fact, get_logger
from sluice.paths import checkout, data_folder
from sluice.process import run_process
from sluice.settings import load_settings
from sluice.tls import server_files

_LONGEST_PAUSE_SECONDS = 600.0


@dataclass(slots=True)
class Schedule:
    """One build after the other, `every_seconds` from start to start; after failures, longer and longer."""

    house: Warehouse
    zone: LandingZone
    every_seconds: float
    metrics: WarehouseMetrics
    log: Logger
    clock: Clock = utc_now
    monotonic: Callable[[], float] = time.monotonic
    _failures: int = 0
    _seen: Ends = field(default_factory=dict)

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop."""
        pause = 0.0
        while not stopping.wait(pause):
            begun = self.monotonic()
            self.step()
            pause = max(0.0, self.pause_seconds - (self.monotonic() - begun))

    @property
    def pause_seconds(self) -> float:
        """From the start of the last build to that of the next."""
        longest = max(self.every_seconds, _LONGEST_PAUSE_SECONDS)
        return float(min(self.every_seconds * 2**self._failures, longest))

    def step(self) -> None:
        """Build, unless there is nothing new."""
        topics = landed_topics()
        if self.house.is_current(self.zone, topics):
            self.metrics.runs.labels("nothing_new").inc()
            return
        with self.metrics.building.track_inprogress():
            try:
                build = self.house.build(self.zone, topics, lambda _line: None)
            except AtWork:
                self.metrics.runs.labels("refused").inc()
                return
            except (ConfigurationError, Unavailable) as error:
                self._failed("refused" if isinstance(error, ConfigurationError) else "failed", str(error))
                return
        if build.failures:
            self._failed("failed", build.failures[0])
            return
        self._failures = 0
        self.metrics.runs.labels("built").inc()
        self._tell(build)

    def _failed(self, result: str, reason: str) -> None:
        self._failures += 1
        self.metrics.runs.labels(result).inc()
        self.log.warning("the warehouse stays as it was", reason=fact(reason), again_in_seconds=self.pause_seconds)

    def _tell(self, build: Build) -> None:
        first = not self._seen
        self._seen, waited = seconds_to_fact(self.house.path, self._seen, self.clock())
        if not first:  # else there is no telling when what is there came
            self.metrics.observe(waited)
        run = last_run(self.house.path)
        seconds = None if run is None else run.seconds
        self.log.info("warehouse built", new_files=build.new_files, seconds=seconds, events=len(waited))


def main() -> None:
    """The process. Stops on SIGTERM and SIGINT, also in the middle of a build."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    settings, environment = load_settings(), DbtEnvironment(checkout())
    metrics = WarehouseMetrics(settings.warehouse_path)
    shown = server_files(settings, "warehouse", utc_now())
    metrics.serve(settings.metrics_port("warehouse"), shown, settings.metrics_client_ca_file)
    if not environment.ready:
        environment.make()
    house = Warehouse(settings.warehouse_path, data_folder("dbt"), environment.dbt, os.environ)  # noqa: TID251 (handed to dbt)
    zone = LandingZone(settings.landing_dir)
    Schedule(house, zone, settings.warehouse_seconds, metrics, get_logger()).run(threading.Event())


if __name__ == "__main__":
    run_process("warehouse", main)
