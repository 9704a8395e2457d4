"""The sink's metrics. `sluice_dead_letters_total` has the same name and labels as in every other process."""

from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from sluice.metrics_server import serve_metrics
from sluice.tls import ServerFiles


class SinkMetrics:
    """One set a process; tests make their own."""

    def __init__(self, sink: Literal["landing", "bigquery"] = "landing") -> None:
        self.registry = CollectorRegistry()
        landed = {"landing": "landed", "bigquery": "bigquery"}[sink]
        self.records = Counter(f"sluice_{landed}_records_total", "Records landed.", ("topic",), registry=self.registry)
        self.files = Counter(f"sluice_{landed}_files_total", "Files landed.", ("topic",), registry=self.registry)
        self.failures = Counter(
            f"sluice_{sink}_failures_total", "Flushes that will be tried again.", registry=self.registry
        )
        self.compacted = Counter(
            f"sluice_{landed}_files_merged_total",
            "Small files that became part of a larger one.",
            registry=self.registry,
        )
        self.dead_letters = Counter(
            "sluice_dead_letters_total",
            "Records put away, by topic and reason.",
            ("topic", "reason"),
            registry=self.registry,
        )
        self.lag_seconds = Gauge(
            f"sluice_{sink}_lag_seconds", "Age of the oldest record read but not landed.", registry=self.registry
        )

    def serve(self, port: int, shown: ServerFiles | None = None, clients: Path | None = None) -> None:
        """Show them on loopback, path /metrics: see `serve_metrics`."""
        serve_metrics(self.registry, port, shown, clients)
