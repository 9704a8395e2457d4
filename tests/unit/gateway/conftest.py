"""A gateway without Kafka, and Jane who is connected to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.connection import Connection
from gateway.edge import Edge
from tests.unit.gateway.doubles import connect, make_edge


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    made = make_edge(tmp_path)
    yield made
    made.turns.history.close()


@pytest.fixture
def jane(edge: Edge) -> Connection:
    return connect(edge)
