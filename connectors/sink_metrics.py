"""The sink's metrics. `sluice_dead_letters_total` has the same name and labels as in every other process."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge

from sluice.metrics_server import serve_metrics
from sluice.tls import ServerFiles


class SinkMetrics:
    """One set a process; tests make their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = Counter("sluice_landed_records_total", "Records landed.", ("topic",), registry=self.registry)
        self.files = Counter("sluice_landed_files_total", "Files landed.", ("topic",), registry=self.registry)
        self.failures = Counter(
            "sluice_landing_failures_total", "Flushes that will be tried again.", registry=self.registry
        )
        self.compacted = Counter(
            "sluice_landed_files_merged_total", "Small files that became part of a larger one.", registry=self.registry
        )
        self.dead_letters = Counter(
            "sluice_dead_letters_total",
            "Records put away, by topic and reason.",
            ("topic", "reason"),
            registry=self.registry,
        )
        self.lag_seconds = Gauge(
            "sluice_landing_lag_seconds", "Age of the oldest record read but not landed.", registry=self.registry
        )

    def serve(self, port: int, shown: ServerFiles | None = None, clients: Path | None = None) -> None:
        """Show them on loopback, path /metrics: see `serve_metrics`."""
        serve_metrics(self.registry, port, shown, clients)
