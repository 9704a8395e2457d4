"""The steward's metrics."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram

from sluice.metrics_server import serve_metrics
from sluice.tls import ServerFiles

_BUCKETS = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""A boundary stands at the objective of 60 s."""


class StewardMetrics:
    """One set a process; tests make their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "sluice_erasure_seconds", "From the request read to its proof.", buckets=_BUCKETS, registry=self.registry
        )
        self.failures = Counter(
            "sluice_erasure_failures_total", "Erasures that will be tried again.", registry=self.registry
        )

    def serve(self, port: int, shown: ServerFiles | None = None, clients: Path | None = None) -> None:
        """Show them on loopback, path /metrics: see `serve_metrics`."""
        serve_metrics(self.registry, port, shown, clients)
