"""The catalogue of metrics. Names and labels are public: dashboards and alerts use them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from sluice.metrics_server import serve_metrics
from sluice.tls import ServerFiles

CounterName = Literal[
    "sluice_turns_total",
    "sluice_dead_letters_total",
    "sluice_refusals_total",
    "sluice_frames_total",
    "sluice_telemetry_dropped_total",
    "sluice_model_failures_total",
    "sluice_unopened_maps_total",
    "sluice_redaction_failures_total",
]
HistogramName = Literal["sluice_stage_seconds", "sluice_overhead_seconds"]
GaugeName = Literal["sluice_sockets", "sluice_running_turns", "sluice_model_breaker"]

# Boundaries stand exactly at the objectives: 0.5 s mean and 1 s at the 95th percentile.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_COUNTERS: dict[CounterName, tuple[str, tuple[str, ...]]] = {
    "sluice_turns_total": ("Turns ended, by state.", ("state",)),
    "sluice_dead_letters_total": ("Records put away, by topic and reason.", ("topic", "reason")),
    "sluice_refusals_total": ("Requests refused, by code.", ("code",)),
    "sluice_frames_total": ("Frames sent to sockets, by type.", ("type",)),
    "sluice_telemetry_dropped_total": ("Telemetry of the gateway that did not get to the log.", ()),
    "sluice_unopened_maps_total": ("Times a person was shown placeholders because their values cannot be opened.", ()),
    "sluice_model_failures_total": ("Failed calls of models, by model and kind of failure.", ("model", "kind")),
    "sluice_redaction_failures_total": (
        "Texts that could not be searched for personal data, by failure.",
        ("failure",),
    ),
}
_HISTOGRAMS: dict[HistogramName, tuple[str, tuple[str, ...]]] = {
    "sluice_stage_seconds": ("Time of one turn in one stage.", ("stage",)),
    "sluice_overhead_seconds": ("Accept to first delta at the socket without the model's own time.", ()),
}
_GAUGES: dict[GaugeName, tuple[str, tuple[str, ...]]] = {
    "sluice_sockets": ("Open WebSockets.", ()),
    "sluice_running_turns": ("Turns being handled by this worker.", ()),
    "sluice_model_breaker": ("Circuit breaker of a model: 0 closed, 1 half open, 2 open.", ("model",)),
}


@dataclass(frozen=True, slots=True)
class Metrics:
    """All metrics of one process, by name."""

    registry: CollectorRegistry
    _counters: dict[CounterName, Counter]
    _histograms: dict[HistogramName, Histogram]
    _gauges: dict[GaugeName, Gauge]

    def count(self, name: CounterName, **labels: str) -> None:
        """Add one."""
        counter = self._counters[name]
        (counter.labels(**labels) if labels else counter).inc()

    def observe(self, name: HistogramName, seconds: float, **labels: str) -> None:
        """Note a duration."""
        histogram = self._histograms[name]
        (histogram.labels(**labels) if labels else histogram).observe(seconds)

    def gauge(self, name: GaugeName) -> Gauge:
        """To set, raise or lower."""
        return self._gauges[name]

    def serve(self, port: int, shown: ServerFiles | None = None, clients: Path | None = None) -> None:
        """Show them on loopback, path /metrics: see `serve_metrics`."""
        serve_metrics(self.registry, port, shown, clients)


def make_metrics(registry: CollectorRegistry | None = None) -> Metrics:
    """Build all of the catalogue. Tests pass a registry of their own."""
    where = REGISTRY if registry is None else registry
    return Metrics(
        where,
        {name: Counter(name, text, labels, registry=where) for name, (text, labels) in _COUNTERS.items()},
        {
            name: Histogram(name, text, labels, buckets=_BUCKETS, registry=where)
            for name, (text, labels) in _HISTOGRAMS.items()
        },
        {name: Gauge(name, text, labels, registry=where) for name, (text, labels) in _GAUGES.items()},
    )
