"""Shared fixtures: a real Apache Kafka for whoever asks. Results are kept for `make compliance`."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
from xdist.scheduler import LoadScopeScheduling

from local import sources
from local.broker import running_broker
from local.compliance import results
from sluice.errors import ConfigurationError
from sluice.paths import checkout
from tests.ports import free_ports

hypothesis.settings.register_profile("untimed", deadline=None)  # speed is measured in benchmarks/, on a quiet machine
hypothesis.settings.load_profile("untimed")
_LONGEST = (
    "platform",
    "streams/test_losses.py",
    "connect/test_connect.py",
    "connectors/test_warehouse.py",
    "connectors/test_bigquery_sink.py",
    "integration/test_redrive.py",
)
"""Groups that take longest, so that no worker begins one of them at the end."""


class Results:
    """Keeps how each test ended, with the sources it ran on."""

    def __init__(self) -> None:
        self._sources = sources.fingerprint(checkout())
        self._outcomes: dict[str, results.Outcome] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._outcomes[report.nodeid] = results.worst(self._outcomes.get(report.nodeid), report.outcome)

    def pytest_sessionfinish(self) -> None:
        if self._outcomes:
            results.add(results.results_file(), self._outcomes, self._sources)


def pytest_configure(config: pytest.Config) -> None:
    """One process keeps them, of all that run tests."""
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        with contextlib.suppress(ConfigurationError):  # nothing is kept outside of a repository
            config.pluginmanager.register(Results())


class Groups(LoadScopeScheduling):
    """What shares a platform or a broker runs in one of the workers that run the tests side by side."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(Path(nodeid.partition("::")[0]))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    """See Groups."""
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long groups first."""
    items.sort(key=lambda item: _LONGEST.index(group) if (group := group_of(item.path)) in _LONGEST else len(_LONGEST))


def group_of(path: Path) -> str:
    """The platform of the end-to-end tests is one, and takes the ports of one."""
    if path.parent.name == "e2e":
        return "platform"
    return "/".join(path.parts[-2:])


@pytest.fixture(autouse=True)
def settings_are_the_tests_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No SLUICE_ variable of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("SLUICE_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def logs_go_elsewhere_afterwards() -> Iterator[None]:
    """A stream that a test reads logs from is closed with it."""
    yield
    if structlog.is_configured():
        structlog.reset_defaults()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a real broker, started for this session."""
    with running_broker(tmp_path_factory.mktemp("kafka"), *free_ports(2)) as servers:
        yield servers
