"""A real supervisord over programs that do nothing."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import processes
from local.broker import Broker
from local.processes import RUNNING, ProcessManager, ProcessState, Program
from sluice.errors import ConfigurationError
from sluice.settings import Settings
from tests.waiting import until

WAIT = [sys.executable, "-c", "import signal; print('100% here', flush=True); signal.pause()"]
QUIT = ["/bin/sh", "-c", "exit 1"]  # within the second after which a start counts as one, on any machine
REFUSE = [sys.executable, "-c", "from time import sleep; sleep(1.2); print('{}', flush=True); raise SystemExit(78)"]


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessManager]:
    programs = [Program("waits", WAIT, 1), Program("quits", QUIT, 2), Program("refuses", REFUSE, 2)]
    monkeypatch.setattr(processes, "programs", lambda _settings: programs)
    made = ProcessManager(Settings(home=tmp_path / "a home"))
    made.launch()
    yield made
    if made.running():
        made.shut_down()


def state_of(manager: ProcessManager, name: str) -> ProcessState:
    return next(state for state in manager.states() if state.name == name)


def test_a_platform_is_started_watched_and_stopped(manager: ProcessManager, tmp_path: Path):
    assert manager.running()
    assert {state.state for state in manager.states()} == {"STOPPED"}
    assert {(state.pid, state.uptime_seconds) for state in manager.states()} == {(0, 0)}
    manager.start("waits")
    assert until(lambda: state_of(manager, "waits").state == RUNNING)
    log = tmp_path / "a home" / "logs" / "waits.log"
    assert until(lambda: log.read_text().count("100% here") == 1)
    pid = state_of(manager, "waits").pid
    manager.start("waits")
    assert state_of(manager, "waits").pid == pid
    os.kill(pid, signal.SIGKILL)
    assert until(lambda: state_of(manager, "waits").state == RUNNING and state_of(manager, "waits").pid != pid)
    manager.start("quits")
    assert until(lambda: state_of(manager, "quits").state == "BACKOFF")
    assert not state_of(manager, "quits").refused
    again = state_of(manager, "waits").pid
    assert until(lambda: log.read_text().count("100% here") == 2)
    manager.shut_down()
    assert not manager.running()
    assert not processes._alive(again)


def test_what_waits_for_a_person_is_not_started_again(manager: ProcessManager, tmp_path: Path):
    manager.start("refuses")
    assert until(lambda: state_of(manager, "refuses").refused)
    manager.start("waits")
    assert until(lambda: state_of(manager, "waits").state == RUNNING)
    assert state_of(manager, "refuses").refused
    assert (tmp_path / "a home" / "logs" / "refuses.log").read_text() == "{}\n"


def test_a_home_may_have_a_percent_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "programs", lambda _settings: [Program("waits", WAIT, 1)])
    made = ProcessManager(Settings(home=tmp_path / "50%"))
    made.launch()
    made.start("waits")
    until((tmp_path / "50%" / "logs" / "waits.log").exists)
    made.shut_down()


def test_a_configuration_that_is_refused_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made = ProcessManager(Settings(home=tmp_path))
    monkeypatch.setattr(made, "configuration", lambda: "[supervisord]\nlogfile=/no/such/folder/x\n")
    with pytest.raises(ConfigurationError, match="did not start"):
        made.launch()


def test_a_manager_that_does_not_stop_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "_STOP_SECONDS", 0.0)
    (tmp_path / "supervisord.pid").write_text(str(os.getpid()))
    with pytest.raises(ConfigurationError, match=f"kill {os.getpid()}"):
        ProcessManager(Settings(home=tmp_path)).shut_down()


def test_the_broker_listens_on_loopback_only_and_makes_no_topics(tmp_path: Path):
    broker = Broker(tmp_path, 19092, 19093)
    lines = dict(line.split("=", 1) for line in broker.configuration.splitlines())
    hosts = {address.rsplit(":", 1)[0].split("//")[1] for address in lines["listeners"].split(",")}
    assert hosts == {"127.0.0.1"}
    assert lines["advertised.listeners"] == lines["listeners"]
    assert (lines["auto.create.topics.enable"], lines["log.dirs"]) == ("false", str(tmp_path / "log"))
    assert broker.command[-1] == str(tmp_path / "server.properties")
