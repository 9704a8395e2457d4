"""What integration tests share beside the broker."""

from pathlib import Path

import pytest

from connectors.dbt_environment import DbtEnvironment
from sluice.paths import checkout


@pytest.fixture(scope="session")
def dbt() -> Path:
    """The program dbt in its own environment, which is made where it is missing."""
    environment = DbtEnvironment(checkout())
    if not environment.ready:
        environment.make()
    return environment.dbt
