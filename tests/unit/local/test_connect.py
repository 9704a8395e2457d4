"""What brings Kafka Connect and PostgreSQL to this machine."""

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from local.connect import command, jars, postgres
from local.connect.postgres import LocalPostgres
from local.connect.worker import Worker
from local.jars import KAFKA_VERSION
from sluice.cli.main import build
from sluice.errors import ConfigurationError, Unavailable
from sluice.key_files import POSTGRES_PASSWORD
from sluice.settings import Settings


def test_the_lock_file_names_each_file_once_a_place() -> None:
    files = jars.pinned()
    assert {file.place for file in files} == {"worker", "iceberg", "jdbc", "landed", "compiler"}
    assert all(len(file.digest) == 64 for file in files)
    assert len({(file.place, file.artifact, file.classifier) for file in files}) == len(files)
    runtime = next(file for file in files if file.artifact == "connect-runtime")
    assert runtime.version == KAFKA_VERSION


def archive(path: Path) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for name in ("plugin/connector.jar", "plugin/mysql-connector-j-9.jar", "plugin/README.md"):
            made.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
    return path


class Maven:
    """Files by artifact, pinned by what they are."""

    def __init__(self, folder: Path) -> None:
        self._paths = {name: folder / f"{name}-1.jar" for name in ("connect-api", "iceberg", "avro", "ecj")}
        for name, path in self._paths.items():
            path.write_text(name)
        self._paths["debezium"] = archive(folder / "debezium.tar.gz")
        places = dict(zip(self._paths, ("worker", "iceberg", "landed", "compiler", "jdbc"), strict=True))
        self.pinned = [
            jars.Pinned(hashlib.sha256(path.read_bytes()).hexdigest(), places[name], "g", name, "1", "", packaging)
            for name, path in self._paths.items()
            for packaging in ("tar.gz" if name == "debezium" else "jar",)
        ]

    def fetched(self, _group: str, artifact: str, *_: str) -> Path:
        return self._paths[artifact]


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maven:
    (tmp_path / "cache").mkdir()
    made = Maven(tmp_path / "cache")
    monkeypatch.setattr(jars, "fetched", made.fetched)
    monkeypatch.setattr(jars, "pinned", lambda: made.pinned)
    return made


def compiles(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
    made = Path(command[command.index("-d") + 1]) / "sluice" / "connect"
    made.mkdir(parents=True)
    (made / "Origin.class").touch()
    return subprocess.CompletedProcess(command, 0, "", "")


def test_each_file_comes_to_its_place_once(maven: Maven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", compiles)
    home = tmp_path / "connect" / "a"
    (home.parent / "of-another-lock-file").mkdir(parents=True)
    assert jars.install(home)
    assert sorted(str(path.relative_to(home.parent)) for path in home.parent.rglob("*.jar")) == [
        "a/plugins/iceberg/iceberg-1.jar",
        "a/plugins/jdbc/connector.jar",
        "a/plugins/landed/avro-1.jar",
        "a/plugins/landed/sluice-connect.jar",
        "a/worker/connect-api-1.jar",
    ]
    with zipfile.ZipFile(home / "plugins" / "landed" / "sluice-connect.jar") as jar:
        assert "sluice/connect/Origin.class" in jar.namelist()
        assert (
            jar.read("META-INF/services/org.apache.kafka.connect.transforms.Transformation")
            == b"sluice.connect.Origin\n"
        )
    assert [path.name for path in home.parent.iterdir()] == ["a"]
    assert not jars.install(home)


def test_another_file_and_a_plugin_that_does_not_compile_leave_nothing(
    maven: Maven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", "1 error in Cell.java")
    )
    home = tmp_path / "connect" / "a"
    with pytest.raises(ConfigurationError, match="does not compile: 1 error in Cell"):
        jars.install(home)
    maven.fetched("g", "avro").write_text("changed")
    with pytest.raises(ConfigurationError, match=r"avro-1.jar is not the pinned file \(SHA-256"):
        jars.install(home)
    assert not home.exists()


def test_the_folder_follows_what_it_was_made_of(maven: Maven) -> None:
    before = jars.connect_home()
    maven.pinned.pop()
    assert jars.connect_home().parent == before.parent
    assert jars.connect_home() != before


def test_a_worker_logs_nothing_of_what_records_hold(tmp_path: Path) -> None:
    worker = Worker(tmp_path / "w", "127.0.0.1:9092", 8083, tmp_path / "keys")
    worker.prepare()
    assert any(word.endswith("connect.runtime.errors=off") for word in worker.command)
    told = (tmp_path / "w" / "worker.properties").read_text()
    assert "listeners=http://127.0.0.1:8083\n" in told
    assert "offset.storage.topic=connect-offset\n" in told


def test_a_postgres_that_is_missing_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_programs", lambda: None)
    with pytest.raises(ConfigurationError, match="apt-get install postgresql"):
        LocalPostgres(tmp_path / "pg", 1, tmp_path / "keys").prepare()


def test_the_newest_programs_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path)
    monkeypatch.setattr(postgres.shutil, "which", lambda _name: None)
    assert postgres.find_programs() is None
    for version in ("9.6", "15"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "initdb").touch()
    assert postgres.find_programs() == tmp_path / "15" / "bin"
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path / "none")
    monkeypatch.setattr(postgres.shutil, "which", lambda _name: str(tmp_path / "15" / "bin" / "initdb"))
    assert postgres.find_programs() == tmp_path / "15" / "bin"


def test_a_database_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "initdb").write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
    (programs / "initdb").chmod(0o755)
    monkeypatch.setattr(postgres, "find_programs", lambda: programs)
    monkeypatch.setattr(postgres, "_as_root", lambda: False)
    made = LocalPostgres(tmp_path / "pg", 1, tmp_path / "keys")
    with pytest.raises(ConfigurationError, match="could not be made: no space left"):
        made.prepare()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("pg")] == []
    assert (tmp_path / "keys" / POSTGRES_PASSWORD).stat().st_mode & 0o777 == 0o600


def test_a_folder_that_its_user_cannot_reach_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_as_root", lambda: True)
    monkeypatch.setattr(postgres, "find_programs", lambda: tmp_path)
    (tmp_path / "home").mkdir(mode=0o700)
    with pytest.raises(ConfigurationError, match=r"cannot go through /.*Set SLUICE_HOME"):
        LocalPostgres(tmp_path / "home" / "pg", 1, tmp_path / "keys").prepare()


def test_taken_ports_and_a_missing_registry_are_said_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    refused = CliRunner().invoke(build(), ["connect-up"])
    assert (refused.exit_code, "make up REGISTRY=local" in refused.stderr) == (3, True)
    monkeypatch.setenv("SLUICE_REGISTRY", "local")
    monkeypatch.setattr(command, "is_taken", lambda port: port == Settings().postgres_port)
    refused = CliRunner().invoke(build(), ["connect-up"])
    assert (refused.exit_code, "Ports are taken: 5433." in refused.stderr) == (3, True)


def test_a_worker_that_ends_is_not_waited_for() -> None:
    def silent() -> bool:
        raise Unavailable("refused")

    with pytest.raises(Unavailable, match=r"not ready within 90 s. Log: /l"):
        command._until(silent, iter([True, True, False]).__next__, "/l")
