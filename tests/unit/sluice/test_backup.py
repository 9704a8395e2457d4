"""`sluice backup` and `sluice restore` on folders."""

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sluice import backup as module
from sluice import wiring
from sluice.api_keys import new_key
from sluice.backup import RESTORED_MARK, back_up
from sluice.cli.main import build
from sluice.file_lock import REWRITING, locked
from sluice.key_files import make_key_files
from sluice.settings import Settings
from tests.doubles import NOON


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(build(), list(arguments), env={"SLUICE_HOME": str(home)})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    make_key_files(made / "keys")
    keys = wiring.key_store(Settings(home=made))
    keys.current("usr_1")
    keys.close()
    wiring.api_keys(Settings(home=made)).add(new_key("a machine", ["chat"], None, NOON, 90)[1])
    day = made / "landing" / "chat-turns" / "date=2026-03-01"
    day.mkdir(parents=True)
    (day / "chat-turns-0-0-9.parquet").write_bytes(b"rows")
    (day / "chat-turns-0-10-11.parquet.part").write_bytes(b"half")
    (made / "landing" / "_lock").write_bytes(b"")
    (made / "warehouse" / "building").mkdir(parents=True)
    (made / "warehouse" / "sluice.duckdb").write_bytes(b"facts")
    return made


def test_nobody_merges_landed_files_while_they_are_copied(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    held: list[bool] = []
    copy = module._copy

    def looking(source: Path, target: Path) -> None:
        with locked(source / REWRITING, wait=False) as free:
            held.append(not free)
        copy(source, target)

    monkeypatch.setattr(module, "_copy", looking)
    assert run(home, "backup", str(tmp_path / "copy")).exit_code == 0
    assert held == [True, True]
    with locked(home / "landing" / REWRITING, wait=False) as free:
        assert free
    assert not list((tmp_path / "copy").rglob(REWRITING))


def test_what_was_backed_up_comes_back_with_a_mark(home: Path, tmp_path: Path):
    done = run(home, "backup", str(tmp_path / "copy"))
    assert (done.exit_code, "keys ..." in done.stdout) == (0, True), done.output
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o700
    new = tmp_path / "new"
    assert run(new, "restore", str(tmp_path / "copy")).exit_code == 0
    before, after = Settings(home=home), Settings(home=new)
    generation = wiring.key_store(before).current("usr_1").generation
    assert wiring.key_store(after).find("usr_1", generation) == wiring.key_store(before).current("usr_1")
    assert [path.name for path in after.landing_dir.rglob("*.*")] == ["chat-turns-0-0-9.parquet"]
    assert after.warehouse_path.read_bytes() == b"facts"
    assert not (after.warehouse_path.parent / "building").exists()
    assert (new / RESTORED_MARK).exists()
    assert after.key_store_path.stat().st_mode & 0o777 == 0o600
    assert wiring.api_keys(after).listed() == wiring.api_keys(before).listed() != []
    assert after.api_keys_path.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "copy" / "keys" / "machines").exists()


def test_a_backup_is_a_new_folder(home: Path, tmp_path: Path):
    (tmp_path / "copy").mkdir()
    refused = run(home, "backup", str(tmp_path / "copy"))
    assert (refused.exit_code, "is there already" in refused.stderr) == (3, True)


def test_without_keys_there_is_nothing_to_back_up(tmp_path: Path):
    refused = run(tmp_path / "empty", "backup", str(tmp_path / "copy"))
    assert (refused.exit_code, "There are no keys" in refused.stderr) == (3, True)


def test_only_a_backup_is_restored_and_only_into_a_new_home(home: Path, tmp_path: Path):
    assert "is no backup" in run(tmp_path / "new", "restore", str(tmp_path)).stderr
    run(home, "backup", str(tmp_path / "copy"))
    refused = run(home, "restore", str(tmp_path / "copy"))
    assert (refused.exit_code, "would be overwritten" in refused.stderr) == (3, True)
    shutil.rmtree(tmp_path / "copy" / "warehouse")
    (tmp_path / "copy" / "api-keys.sqlite").unlink()  # of before there were any
    assert run(tmp_path / "new", "restore", str(tmp_path / "copy")).exit_code == 0


def test_a_disk_that_takes_nothing_is_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run(home, "backup", str(tmp_path / "copy"))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(module.shutil, "copytree", full)
    assert "cannot be written (No space left" in run(home, "backup", str(tmp_path / "other")).stderr
    assert "cannot be restored (No space left" in run(tmp_path / "new", "restore", str(tmp_path / "copy")).stderr


def test_a_file_that_goes_meanwhile_is_not_missed(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    copy = shutil.copy2

    def gone(source: str, target: str) -> str:
        if source.endswith("0-9.parquet"):
            raise FileNotFoundError(source)
        return str(copy(source, target))

    monkeypatch.setattr(module.shutil, "copy2", gone)
    settings = Settings(home=home)
    back_up(settings, wiring.key_store(settings), wiring.api_keys(settings), tmp_path / "copy", lambda _what: None)
    assert not [*(tmp_path / "copy" / "landing").rglob("*.parquet")]
