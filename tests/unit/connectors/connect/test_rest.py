"""Connect's REST interface, as a server of httpx's own plays it."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from connectors.connect.rest import ConnectorState, ConnectRest
from sluice.cli.main import build
from sluice.errors import ConfigurationError, Unavailable

_TRACE = (
    "org.apache.kafka.connect.errors.ConnectException: Exiting\n\tat x.Y(Y.java:1)\n"
    "Caused by: org.postgresql.util.PSQLException: value 'Anna Miller' is too long\n\tat x.Z(Z.java:2)\n\t... 9 more"
)


def rest(answer: Callable[[httpx.Request], httpx.Response]) -> ConnectRest:
    return ConnectRest("http://connect", httpx.MockTransport(answer))


def test_states_name_the_cause_without_its_words() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/connectors"
        task = {"id": 0, "state": "FAILED", "trace": _TRACE}
        return httpx.Response(
            200,
            json={
                "b": {"status": {"connector": {"state": "RUNNING"}, "tasks": [task]}},
                "a": {"status": {"connector": {"state": "PAUSED"}, "tasks": []}},
            },
        )

    assert rest(answer).states() == [
        ConnectorState("a", ("PAUSED",)),
        ConnectorState("b", ("RUNNING", "FAILED"), "org.postgresql.util.PSQLException"),
    ]
    assert [state.failed for state in rest(answer).states()] == [False, True]


def test_a_connector_is_put_and_restarted() -> None:
    asked: list[tuple[str, str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, str(request.url), request.content))
        return httpx.Response(204)

    connect = rest(answer)
    connect.put("a", {"x": "y"})
    connect.restart("a")
    assert [(method, url) for method, url, _ in asked] == [
        ("PUT", "http://connect/connectors/a/config"),
        ("POST", "http://connect/connectors/a/restart?includeTasks=true&onlyFailed=true"),
    ]
    assert json.loads(asked[0][2]) == {"x": "y"}


def test_refusals_and_silence_are_told_apart() -> None:
    with pytest.raises(ConfigurationError, match="refuses /connectors/a/config: no such class"):
        rest(lambda _: httpx.Response(400, json={"message": "no such class"})).put("a", {})
    with pytest.raises(Unavailable, match="status 409"):  # they share out their work
        rest(lambda _: httpx.Response(409)).put("a", {})

    def silent(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Unavailable, match="make connect"):
        rest(silent).states()


@pytest.mark.parametrize("command", ["status", "apply", "watch"])
def test_commands_say_what_is_missing(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    monkeypatch.setenv("SLUICE_CONNECT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own
    done = CliRunner().invoke(build(), ["connect", command])
    assert done.exit_code == 3
    assert "make" in done.stderr


@pytest.mark.parametrize(("states", "code"), [(["RUNNING"], 0), (["RUNNING", "FAILED"], 1), ([], 1)])
def test_the_command_shows_states(states: list[str], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [ConnectorState("iceberg-llm-usage", tuple(states), "X")] if states else []
    monkeypatch.setattr(ConnectRest, "states", lambda _: found)
    told = CliRunner().invoke(build(), ["connect", "status", "--json"])
    assert (told.exit_code, len(json.loads(told.stdout))) == (code, len(found))
    shown = CliRunner().invoke(build(), ["connect", "status"])
    assert (shown.exit_code, "iceberg-llm-usage" in shown.stdout) == (code, bool(found))
