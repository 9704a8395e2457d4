"""A gateway without Kafka, and Jane who is connected to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.app import make_app
from gateway.connection import Connection
from gateway.edge import Edge
from sluice.audit import Mark
from tests.unit.gateway.doubles import connect, make_edge


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    made = make_edge(tmp_path)
    yield made
    made.turns.history.close()


@pytest.fixture
def marks(edge: Edge) -> list[Mark]:
    """What the gateway leaves in the audit log."""
    found: list[Mark] = []
    edge.access.note = found.append
    return found


@pytest.fixture
def client(edge: Edge) -> Iterator[TestClient]:
    """Whoever asks."""
    with TestClient(make_app(edge, lambda: None), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def jane(edge: Edge) -> Connection:
    return connect(edge)
