"""`sluice backup` and `sluice restore` on folders."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from sluice import backup as module
from sluice import wiring
from sluice.api_keys import new_key
from sluice.audit import Mark
from sluice.backup import RESTORED_MARK, back_up
from sluice.cli import audit
from sluice.cli.main import build
from sluice.errors import Unavailable
from sluice.file_lock import REWRITING, locked
from sluice.key_files import make_key_files
from sluice.key_store import bound_to
from sluice.key_wrapping import FileWrapper
from sluice.owed_marks import OwedMarks
from sluice.settings import Settings
from tests.doubles import NOON


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(build(), list(arguments), env={"SLUICE_HOME": str(home)})


class Broker:
    """Kafka, as far as a command looks whether it is there; and the log that it writes to then."""

    def __init__(self) -> None:
        self.away, self.marks = False, list[Mark]()

    def __call__(self, _servers: object, _principal: object = None) -> "Broker":
        return self

    def partitions(self, _seconds: float) -> dict[str, int]:
        if self.away:
            raise Unavailable("No Kafka broker answers.")
        return {}

    def append(self, marks: list[Mark]) -> None:
        self.marks += marks


@pytest.fixture(autouse=True)
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    monkeypatch.setattr(audit, "KafkaAdmin", made)
    monkeypatch.setattr(audit.wiring, "audit_log", made)
    return made


def owed(home: Path) -> list[Mark]:
    marks: list[Mark] = []
    OwedMarks(home / "marks").settle(marks.extend)
    return marks


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
    with duckdb.connect(made / "warehouse" / "sluice.duckdb") as warehouse:
        warehouse.execute("create table facts as select 42 as answer")
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
    assert after.warehouse_path.read_bytes() == before.warehouse_path.read_bytes()
    assert not (after.warehouse_path.parent / "building").exists()
    assert (new / RESTORED_MARK).exists()
    assert after.key_store_path.stat().st_mode & 0o777 == 0o600
    assert wiring.api_keys(after).listed() == wiring.api_keys(before).listed() != []
    assert after.api_keys_path.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "copy" / "keys" / "machines").exists()


def test_a_backup_leaves_its_mark_before_it_copies(
    home: Path, tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch
):
    run(home, "backup", str(tmp_path / "copy"))
    assert [(mark.action, mark.outcome, mark.actor_id[:4]) for mark in broker.marks] == [
        ("data.backup", "allowed", "usr_")
    ]
    run(home, "backup", str(tmp_path / "copy"))  # is there already: no act, no mark
    assert (len(broker.marks), owed(home)) == (1, [])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(module.shutil, "copytree", full)
    run(home, "backup", str(tmp_path / "other"))
    assert len(broker.marks) == 2


def test_without_kafka_a_backup_owes_its_mark(home: Path, tmp_path: Path, broker: Broker):
    broker.away = True
    assert run(home, "backup", str(tmp_path / "copy")).exit_code == 0
    [mark] = owed(home)
    assert (mark.action, mark.outcome, (mark.reason or "")[:6], broker.marks) == (
        "data.backup",
        "allowed",
        "noted ",
        [],
    )


def test_a_restore_owes_its_mark_and_what_is_refused_owes_none(home: Path, tmp_path: Path, broker: Broker):
    run(home, "backup", str(tmp_path / "copy"))
    run(home, "restore", str(tmp_path / "copy"))
    assert owed(home) == []
    run(tmp_path / "new", "restore", str(tmp_path / "copy"))
    [mark] = owed(tmp_path / "new")
    assert (mark.action, mark.actor_id) == ("data.restore", broker.marks[0].actor_id)


def test_no_mark_no_restore(home: Path, tmp_path: Path):
    run(home, "backup", str(tmp_path / "copy"))
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "marks").write_text("in the way")
    refused = run(tmp_path / "new", "restore", str(tmp_path / "copy"))
    assert (refused.exit_code, "no mark, no act" in refused.stderr) == (3, True)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["marks"]


def test_what_is_not_there_yet_is_no_part_of_it(home: Path, tmp_path: Path):
    shutil.rmtree(home / "warehouse")
    assert run(home, "backup", str(tmp_path / "copy")).exit_code == 0
    assert run(tmp_path / "new", "restore", str(tmp_path / "copy")).exit_code == 0
    assert not (tmp_path / "new" / "warehouse").exists()


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
    back_up(
        settings,
        wiring.key_store(settings),
        wiring.api_keys(settings),
        tmp_path / "copy",
        lambda _what: None,
        lambda: None,
    )
    assert not [*(tmp_path / "copy" / "landing").rglob("*.parquet")]


@contextmanager
def changing(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as db, db:
        yield db


def cut(name: str, size: int = 200) -> Callable[[Path], None]:
    def spoil(copy: Path) -> None:
        (copy / name).write_bytes((copy / name).read_bytes()[:size])

    return spoil


def gone(name: str) -> Callable[[Path], None]:
    def spoil(copy: Path) -> None:
        shutil.rmtree(copy / name) if (copy / name).is_dir() else (copy / name).unlink()

    return spoil


def spoilt_page(copy: Path) -> None:
    """A page in the middle of the file: it opens, and is not whole."""
    with (copy / "keys.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 64)


def other_index(copy: Path) -> None:
    """Every page can be read, and index and table say different things."""
    with changing(copy / "keys.sqlite") as db:
        [(page,)] = db.execute("select rootpage from sqlite_master where name = 'sqlite_autoindex_data_keys_1'")
        [(size,)] = db.execute("pragma page_size")
    with (copy / "keys.sqlite").open("r+b") as file:
        file.seek(page * size - 6)
        file.write(b"\x07")


def no_table(copy: Path) -> None:
    with changing(copy / "api-keys.sqlite") as db:
        db.execute("drop table api_keys")


def another_key(copy: Path) -> None:
    (copy / "keys" / "key-encryption-1.key").write_text("00" * 32)


def no_data_key(copy: Path) -> None:
    """What it wraps opens, and is too short."""
    wrapper = FileWrapper(copy / "keys")
    with changing(copy / "keys.sqlite") as db:
        tenant, subject, generation = db.execute("select tenant, subject, generation from data_keys").fetchone()
        db.execute("update data_keys set wrapped = ?", (wrapper.wrap(b"short", bound_to(tenant, subject, generation)),))


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "the key store is cut": (cut("keys.sqlite"), "backup_damaged: "),
    "the key store is empty": (cut("keys.sqlite", 0), "backup_damaged: "),
    "the key store is spoilt": (spoilt_page, "backup_damaged: "),
    "the key store contradicts itself": (other_index, "backup_damaged: "),
    "API keys are cut": (cut("api-keys.sqlite"), "backup_damaged: "),
    "API keys have no table": (no_table, "backup_damaged: "),
    "the warehouse is cut": (cut("warehouse/sluice.duckdb", 5000), "backup_damaged: "),
    "no keys": (gone("keys"), "backup_incomplete: "),
    "no key of pseudonyms": (gone("keys/pseudonym.key"), "has no keys/pseudonym.key, or it is cut"),
    "an empty audit key": (cut("keys/audit.key", 0), "has no keys/audit.key, or it is cut"),
    "no key-encryption key": (gone("keys/key-encryption-1.key"), "backup_keys_unusable: 1 of 1 keys"),
    "another key-encryption key": (another_key, "backup_keys_unusable: 1 of 1 keys of people cannot be unwrapped (usr"),
    "what is no key": (no_data_key, "backup_keys_unusable: 1 of 1 keys"),
}


@pytest.mark.parametrize(("spoil", "said"), DAMAGE.values(), ids=DAMAGE)
def test_what_is_not_whole_is_not_restored(home: Path, tmp_path: Path, spoil: Callable[[Path], None], said: str):
    assert run(home, "backup", str(tmp_path / "copy")).exit_code == 0
    spoil(tmp_path / "copy")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "copy").rglob("*")}
    refused = run(tmp_path / "new", "restore", str(tmp_path / "copy"))
    assert (refused.exit_code, said in refused.stderr, "Restored" in refused.output) == (3, True, False), refused.output
    assert not (tmp_path / "new").exists()
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "copy").rglob("*")} == before


def test_who_knows_what_is_lost_restores_the_rest(home: Path, tmp_path: Path):
    keys = wiring.key_store(Settings(home=home))
    for number in range(5):
        keys.current(f"usr_1{number}")
    keys.close()
    run(home, "backup", str(tmp_path / "copy"))
    with changing(tmp_path / "copy" / "keys.sqlite") as db:
        db.execute("update data_keys set wrapped = x'00' where subject <> 'usr_1'")
    refused = run(tmp_path / "new", "restore", str(tmp_path / "copy"))
    assert "5 of 6 keys of people cannot be unwrapped (usr_10, usr_11, usr_12, ...)" in refused.stderr
    assert run(tmp_path / "new", "restore", str(tmp_path / "copy"), "--with-unusable-keys").exit_code == 0
    assert wiring.key_store(Settings(home=tmp_path / "new")).count() == (6, 6)


def test_without_duckdb_the_warehouse_is_not_looked_into(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run(home, "backup", str(tmp_path / "copy"))
    cut("warehouse/sluice.duckdb", 5000)(tmp_path / "copy")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert run(tmp_path / "new", "restore", str(tmp_path / "copy")).exit_code == 0


def test_a_keeper_of_keys_that_is_away_is_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run(home, "backup", str(tmp_path / "copy"))
    monkeypatch.setenv("SLUICE_KEY_ENCRYPTION", "vault")
    refused = run(tmp_path / "new", "restore", str(tmp_path / "copy"))
    assert (refused.exit_code, "SLUICE_VAULT_TOKEN" in refused.stderr) == (3, True)
    monkeypatch.setenv("SLUICE_VAULT_TOKEN", "t")
    monkeypatch.setenv("SLUICE_VAULT_ADDRESS", "http://127.0.0.1:9")
    with changing(tmp_path / "copy" / "keys.sqlite") as db:
        db.execute("update data_keys set wrapped = cast('vault:v1:AAAA' as blob)")
    refused = run(tmp_path / "new", "restore", str(tmp_path / "copy"))
    assert (refused.exit_code, "does not answer" in refused.stderr) == (3, True)
    assert not (tmp_path / "new").exists()
