"""Metrics over HTTP and over TLS."""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from sluice.certificates import certificate_file, make_certificates
from sluice.metrics import make_metrics
from sluice.metrics_server import serve_metrics
from sluice.tls import ServerFiles


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    make_metrics(registry).count("sluice_turns_total", state="completed")
    return registry


@pytest.fixture
def shown(tmp_path: Path) -> ServerFiles:
    make_certificates(tmp_path, datetime.now(UTC))
    own = certificate_file(tmp_path, "enrich")
    return ServerFiles(own, own)


def read(port: int, folder: Path, client: str | None = None) -> str:
    trusting = ssl.create_default_context(cafile=folder / "ca.pem")
    if client is not None:
        trusting.load_cert_chain(certificate_file(folder, client))
    return httpx.get(f"https://127.0.0.1:{port}/metrics", verify=trusting, trust_env=False).text


def test_without_a_certificate_they_are_plain(registry: CollectorRegistry):
    port = serve_metrics(registry, 0)
    assert 'sluice_turns_total{state="completed"} 1.0' in httpx.get(f"http://127.0.0.1:{port}/metrics").text


def test_over_tls(registry: CollectorRegistry, shown: ServerFiles, tmp_path: Path):
    port = serve_metrics(registry, 0, shown)
    assert "sluice_turns_total" in read(port, tmp_path)
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert "sluice_turns_total" in read(port, tmp_path)


def test_who_says_nothing_keeps_nobody_up(registry: CollectorRegistry, shown: ServerFiles, tmp_path: Path):
    port = serve_metrics(registry, 0, shown)
    with socket.create_connection(("127.0.0.1", port)):
        assert "sluice_turns_total" in read(port, tmp_path)


def test_readers_show_a_certificate_where_one_is_asked_for(registry, shown: ServerFiles, tmp_path: Path):
    port = serve_metrics(registry, 0, shown, tmp_path / "ca.pem")
    assert "sluice_turns_total" in read(port, tmp_path, "client")
    with pytest.raises(httpx.HTTPError):
        read(port, tmp_path)
