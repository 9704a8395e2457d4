"""Shared fixtures: free ports, and a real Apache Kafka for whoever asks."""

import os
import socket
from collections.abc import Iterator

import pytest

from local.broker import running_broker


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(autouse=True)
def settings_are_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No SLUICE_ variable of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("SLUICE_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a real broker, started for this session."""
    with running_broker(tmp_path_factory.mktemp("kafka"), *free_ports(2)) as servers:
        yield servers
