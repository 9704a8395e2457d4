"""`sluice up`, `down`, `status`, `clean` over a process manager that only remembers."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from local import cli, jars, page, ports
from local import up as module
from local.processes import ProcessState
from local.up import Up
from sluice.chat_client import TurnResult
from sluice.errors import ConfigurationError, Unavailable
from sluice.kafka_admin import PartitionLag
from sluice.settings import Settings


class Remembering:
    """A process manager that starts nothing."""

    def __init__(self, *states: ProcessState, running: bool = False) -> None:
        self._states, self._running = list(states), running
        self.done: list[str] = []
        self.refuses: Exception | None = None

    def __call__(self, _settings: Settings) -> "Remembering":
        return self

    def running(self) -> bool:
        return self._running

    def launch(self) -> None:
        self.done.append("launch")

    def start(self, name: str) -> None:
        self.done.append(name)

    def states(self) -> list[ProcessState]:
        return self._states

    def shut_down(self) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.done.append("shut down")


def state(name: str, word: str = "RUNNING", pid: int = 0, uptime: int = 0) -> ProcessState:
    return ProcessState(name, word, pid, uptime, "")


@pytest.fixture
def manager() -> Remembering:
    return Remembering()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: Remembering) -> Path:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("local.processes.ProcessManager", manager)
    monkeypatch.setattr(module, "ProcessManager", manager)
    return tmp_path / "home"


@pytest.fixture
def sluice(home: Path) -> Callable[..., Any]:
    return lambda *arguments: CliRunner().invoke(cli.commands, [*arguments])


def test_down_says_that_nothing_runs(sluice, manager: Remembering):
    assert "is not running" in sluice("down").output
    assert manager.done == []


def test_down_stops_and_promises_the_data(sluice, manager: Remembering):
    manager._running = True
    assert "finds every conversation again" in sluice("down").output
    assert manager.done == ["shut down"]


def test_down_that_does_not_succeed_leaves_with_1_and_the_next_step(sluice, manager: Remembering):
    manager._running, manager.refuses = True, ConfigurationError("End it with: kill 7")
    ended = sluice("down")
    assert (ended.exit_code, "kill 7" in ended.output) == (1, True)


def test_status_of_nothing(sluice):
    ended = sluice("status")
    assert (ended.exit_code, "make up" in ended.output) == (1, True)


def test_status_has_a_line_a_process_with_memory_and_lag(sluice, manager: Remembering, monkeypatch: pytest.MonkeyPatch):
    import os

    manager._running = True
    manager._states = [state("enrich", pid=os.getpid(), uptime=12), state("landing", pid=os.getpid())]
    rows = [PartitionLag("sluice-enrich", "chat-requests", p, 1, 4, 3, None, "Stable") for p in range(2)]
    monkeypatch.setattr(cli, "KafkaAdmin", lambda _servers: None)
    monkeypatch.setattr(cli, "lag", lambda *_: rows)
    ended = sluice("status")
    assert ended.exit_code == 0
    (line,) = [line for line in ended.output.splitlines() if "enrich" in line]
    assert [part.strip() for part in line.split("│")[1:-1]][::5] == ["enrich", "6"]
    assert "12 s" in line
    assert " MB" in line


def test_status_without_a_broker_still_shows_and_fails(sluice, manager: Remembering, monkeypatch: pytest.MonkeyPatch):
    def away(*_: object) -> None:
        raise Unavailable("no broker")

    manager._running = True
    manager._states = [state("broker", "BACKOFF")]
    monkeypatch.setattr(cli, "KafkaAdmin", lambda _servers: None)
    monkeypatch.setattr(cli, "lag", away)
    ended = sluice("status")
    assert (ended.exit_code, "BACKOFF" in ended.output) == (1, True)


def refusing(home: Path, said: str) -> ProcessState:
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "redact.log").write_text(said)
    return ProcessState("redact", "EXITED", 0, 0, "", 78)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            '{"event": "cannot start", "reason": "mend this"}\nnot JSON\n{"event": "x"}\n[]\n',
            "redact cannot start: mend this",
        ),
        ("Traceback\n", "redact cannot start: see "),
    ],
)
def test_status_says_what_a_person_must_mend(sluice, home: Path, manager: Remembering, monkeypatch, said, shown):
    manager._running, manager._states = True, [refusing(home, said), state("gateway")]
    monkeypatch.setattr(cli, "KafkaAdmin", lambda _servers: None)
    monkeypatch.setattr(cli, "lag", lambda *_: [])
    ended = sluice("status")
    assert (ended.exit_code, shown in ended.output) == (1, True)
    (home / "logs" / "redact.log").unlink()
    assert "see " in sluice("status").output


@pytest.mark.parametrize("environments", [True, False])
def test_clean_takes_data_and_environments(sluice, home: Path, tmp_path: Path, monkeypatch, environments: bool):
    (home / "kafka").mkdir(parents=True)
    (tmp_path / ".venv-dbt").mkdir()
    (tmp_path / "gateway" / "web" / "dist").mkdir(parents=True)
    monkeypatch.setattr(cli, "checkout", lambda: tmp_path)
    assert "clean" in sluice("clean", *([] if environments else ["--no-environments"])).output
    assert not home.exists()
    assert (tmp_path / ".venv-dbt").exists() == (not environments)
    assert (tmp_path / "gateway" / "web" / "dist").exists() == (not environments)


def test_up_that_cannot_leaves_with_3_and_the_reason(sluice, monkeypatch: pytest.MonkeyPatch):
    def taken(_settings: Settings) -> None:
        raise ConfigurationError("Ports are taken")

    monkeypatch.setattr(ports, "check", taken)
    ended = sluice("up")
    assert (ended.exit_code, "Ports are taken" in ended.output) == (3, True)


class Surroundings:
    """What `up` asks of the machine, answered as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ready = 200
        self.turn: TurnResult | Exception = TurnResult("s", state="completed")
        self.applied: list[int] = []
        self.asked = 0
        outer = self

        class Admin:
            def __init__(self, _servers: str) -> None: ...

            def partitions(self, _timeout: float) -> dict[str, int]:
                outer.asked += 1
                if outer.asked == 1:
                    raise Unavailable("not yet")
                return {}

            def apply(self, topics: Any, factor: int) -> None:
                outer.applied.append(factor)

        async def turn(_up: Up) -> TurnResult:
            if isinstance(outer.turn, Exception):
                raise outer.turn
            return outer.turn

        def get(_url: str, timeout: float, verify: object) -> httpx.Response:
            if outer.ready == 0:
                raise httpx.ConnectError("refused")
            return httpx.Response(outer.ready)

        monkeypatch.setattr(module, "KafkaAdmin", Admin)
        monkeypatch.setattr(Up, "_turn", turn)
        monkeypatch.setattr(httpx, "get", get)
        monkeypatch.setattr(ports, "check", lambda _settings: None)
        monkeypatch.setattr(page, "build", lambda: True)
        monkeypatch.setattr(jars, "install", lambda _lib: True)
        monkeypatch.setattr("local.broker.Broker.prepare", lambda _self: None)
        monkeypatch.setattr(module, "_READY_SECONDS", 0.0)
        monkeypatch.setattr(module, "_FREE_BYTES", 1)


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    return Surroundings(monkeypatch)


def run(home: Path, **settings: Any) -> str:
    console = Console(record=True, width=200)
    Up(Settings(home=home, **settings), console)()
    return console.export_text()


def test_up_starts_all_in_order_and_says_where_to_go(home: Path, manager: Remembering, around: Surroundings):
    told = run(home)
    assert manager.done == [
        "launch",
        "broker",
        "provider",
        "enrich",
        "landing",
        "redact",
        "respond",
        "steward",
        "gateway",
        "warehouse",
    ]
    assert around.applied == [1]
    assert "http://127.0.0.1:8080/" in told
    assert "built in" in told
    chosen = {"broker": "local", "llm": "dev", "secure": False, "registry": "none", "mirror": None, "bigquery": None}
    assert json.loads((home / "run.json").read_text()) == chosen
    assert (home / "keys").is_dir()


def test_up_secured_lets_users_in_before_topics_are_made(home: Path, manager, around: Surroundings, monkeypatch):
    monkeypatch.setattr(module, "let_in", lambda _settings: around.applied.append(0))
    told = run(home, secure=True)
    assert around.applied == [0, 1]
    assert "https://127.0.0.1:8080/" in told
    assert f"clients trust {home}/certs/ca.pem" in told
    assert Settings(home=home).secure
    assert {path.name for path in (home / "keys" / "processes" / "respond").iterdir()} == {
        "dead-letters.public",
        "kafka-respond.password",
    }
    manager._running = True
    with pytest.raises(ConfigurationError, match="make down"):
        run(home, secure=False)
    manager._running = False
    around.applied.clear()
    assert "http://127.0.0.1:8080/" in run(home, secure=False)
    assert around.applied == [1]
    assert not Settings(home=home).secure


def test_up_makes_no_users_on_a_cluster_of_ones_own(home: Path, manager: Remembering, around: Surroundings):
    run(home, broker="kafka.example:9092", secure=True)
    assert around.applied == [1]


def test_a_platform_of_an_older_release_counts_as_not_secured(home: Path, manager: Remembering, around: Surroundings):
    run(home)
    (home / "run.json").write_text('{"broker": "local", "llm": "dev"}')
    manager._running = True
    assert "Sluice is up" in run(home)


def test_up_with_ones_own_broker_and_model(home: Path, manager: Remembering, around: Surroundings):
    told = run(home, broker="kafka.example:9092", llm="gpt-4o-mini")
    assert not {"broker", "provider"} & set(manager.done)
    assert "your cluster at kafka.example:9092" in told
    assert "gpt-4o-mini" in told


def test_up_waits_for_the_small_model_and_names_it(home: Path, manager: Remembering, around, monkeypatch):
    asked: list[str] = []

    def get(url: str, timeout: float, verify: object) -> httpx.Response:
        asked.append(url)
        return httpx.Response(503 if url.endswith("/health") and len(asked) < 4 else 200)

    monkeypatch.setattr(httpx, "get", get)
    told = run(home, llm="local")
    assert asked == ["http://127.0.0.1:8080/readyz", *["http://127.0.0.1:9110/health"] * 3]
    assert "small-model" in manager.done
    assert "smollm2-135m-instruct on this machine" in told


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (TurnResult("s", state="failed", error={"code": "model_refused_key"}), "model_refused_key"),
        (TurnResult("s", state="cancelled"), "cancelled"),
        (TimeoutError(), "keep restarting: enrich"),
    ],
)
def test_up_without_an_answer_stops_everything_again(home, manager: Remembering, around: Surroundings, turn, words):
    around.turn = turn
    manager._states = [state("enrich", "BACKOFF", uptime=2), state("gateway", uptime=80)]
    with pytest.raises(ConfigurationError, match=words):
        run(home)
    assert manager.done[-1] == "shut down"
    assert not (home / "run.json").exists()


@pytest.mark.parametrize("ready", [503, 0])
def test_up_without_a_ready_gateway_stops_everything_again(home, manager, around: Surroundings, ready: int):
    around.ready = ready
    with pytest.raises(Unavailable, match="gateway was not ready"):
        run(home)
    assert manager.done[-1] == "shut down"


def test_up_of_what_runs_starts_only_what_does_not(home: Path, manager: Remembering, around: Surroundings):
    home.mkdir()
    manager._running = True
    manager._states = [state("gateway"), state("respond", "FATAL")]
    assert "Sluice is up" in run(home)
    assert manager.done == ["respond"]


def test_up_says_what_a_person_must_mend_and_leaves_the_others(home, manager: Remembering, around: Surroundings):
    manager._states = [refusing(home, '{"event": "cannot start", "reason": "mend this"}')]
    with pytest.raises(ConfigurationError, match=r"redact cannot start: mend this .*make up"):
        run(home)
    assert manager.done[-1] == "warehouse"


def test_a_process_that_refuses_ends_the_wait_for_the_turn(
    home, manager: Remembering, around: Surroundings, monkeypatch
):
    async def turn(_up: Up) -> TurnResult:
        manager._states = [refusing(home, "")]
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Up, "_turn", turn)
    with pytest.raises(ConfigurationError, match="redact cannot start"):
        run(home)


def test_up_of_what_runs_with_other_choices_is_refused(home: Path, manager: Remembering, around: Surroundings):
    run(home)
    manager._running = True
    for other in ({"llm": "gpt-4o-mini"}, {"bigquery_project": "acme-chat"}, {"landing_mirror": "s3://acme/zone"}):
        with pytest.raises(ConfigurationError, match="make down"):
            run(home, **other)


def test_up_says_where_else_rows_go_and_not_with_which_password(home: Path, manager: Remembering, around: Surroundings):
    told = run(home, bigquery_project="acme-chat", landing_mirror="s3://key:word@acme/zone?region=eu-1")
    assert "bigquery acme-chat, dataset landing" in told
    assert "mirror   s3://acme/zone\n" in told
    assert "word" not in told + (home / "run.json").read_text()


def test_up_on_a_full_disk_begins_nothing(home: Path, manager: Remembering, around, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_FREE_BYTES", 10**18)
    with pytest.raises(ConfigurationError, match="SLUICE_HOME"):
        run(home)
    assert manager.done == []
