"""Metrics of the builds of the warehouse: those of the schedule, and the last one, whoever began it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from connectors.warehouse.runs import last_run
from sluice.metrics_server import serve_metrics
from sluice.tls import ServerFiles

_BUCKETS = (*range(5, 65, 5), 90.0, 120.0, 300.0, 1800.0)
"""A boundary stands at the objective of 60 s."""


class WarehouseMetrics:
    """One set a process; tests make their own."""

    def __init__(self, warehouse: Path) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_LastRun(warehouse))
        self.building = Gauge("sluice_warehouse_building", "1 while a build is at work.", registry=self.registry)
        self.runs = Counter(
            "sluice_warehouse_runs_total", "Builds of the schedule, by result.", ("result",), registry=self.registry
        )
        self.to_fact = Histogram(
            "sluice_event_to_fact_seconds",
            "From an event's place on the log to its row in the facts.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        for result in ("built", "failed", "refused", "nothing_new"):
            self.runs.labels(result)

    def observe(self, ages: Iterable[float]) -> None:
        """Ages of events that are in the facts now, in seconds."""
        for age in ages:
            self.to_fact.observe(age)

    def serve(self, port: int, shown: ServerFiles | None = None, clients: Path | None = None) -> None:
        """Show them on loopback, path /metrics: see `serve_metrics`."""
        serve_metrics(self.registry, port, shown, clients)


class _LastRun(Collector):
    """Read when somebody asks: `sluice warehouse` and the steward build too."""

    def __init__(self, warehouse: Path) -> None:
        self._warehouse = warehouse

    def collect(self) -> Iterator[GaugeMetricFamily]:
        run = last_run(self._warehouse)
        if run is not None:
            name = "sluice_warehouse_last_run"
            begun_at = run.begun_at.timestamp()
            yield GaugeMetricFamily(f"{name}_timestamp_seconds", "When the last build began.", begun_at)
            yield GaugeMetricFamily(f"{name}_seconds", "How long it took.", run.seconds)
            yield GaugeMetricFamily(f"{name}_ok", "1 where its tables are in use.", float(run.result == "built"))
            yield GaugeMetricFamily(f"{name}_failed_tests", "Of the last build.", run.tests_failed)
        if self._warehouse.exists():
            since = self._warehouse.stat().st_mtime
            yield GaugeMetricFamily("sluice_warehouse_tables_timestamp_seconds", "Of the tables in use.", since)
