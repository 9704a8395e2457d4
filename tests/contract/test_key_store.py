"""One suite over both key stores; the database's own ways."""

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from sluice.durable_files import create_secret_file
from sluice.errors import ConfigurationError, Unavailable
from sluice.key_store import DatabaseKeyStore, DataKey, KeyMissing, KeyStore, KeyUnusable, MemoryKeyStore
from sluice.key_wrapping import FileWrapper
from tests.doubles import ManualClock


def database(folder: Path, tenant: str = "t") -> DatabaseKeyStore:
    wrapper = FileWrapper(folder)
    if not wrapper.numbers:
        wrapper.rotate()
    return DatabaseKeyStore(folder / "subjects" / "keys.sqlite", wrapper, tenant, ManualClock())


@pytest.fixture(params=["memory", "database"])
def keys(request, tmp_path) -> KeyStore:
    return MemoryKeyStore() if request.param == "memory" else database(tmp_path)


def test_a_subject_has_one_key(keys: KeyStore):
    key = keys.current("usr_1")
    assert key == keys.current("usr_1") == keys.find("usr_1", key.generation)
    assert len(key.secret) == 32


def test_subjects_have_different_keys(keys: KeyStore):
    assert keys.current("usr_1").secret != keys.current("usr_2").secret


def test_who_was_never_seen_has_none(keys: KeyStore):
    with pytest.raises(KeyMissing):
        keys.find("usr_1", 1)


def test_a_generation_that_never_was_has_none(keys: KeyStore):
    key = keys.current("usr_1")
    with pytest.raises(KeyMissing):
        keys.find("usr_1", key.generation % 2**31 + 1)


def test_a_new_key_seals_and_the_old_one_still_opens(keys: KeyStore):
    old = keys.current("usr_1")
    new = keys.rotate("usr_1")
    assert keys.current("usr_1") == new != old
    assert keys.find("usr_1", old.generation) == old


def test_destroyed_is_gone_and_a_new_key_is_another(keys: KeyStore):
    old = keys.current("usr_1")
    keys.rotate("usr_1")
    assert keys.destroy("usr_1") == 2
    assert keys.destroy("usr_1") == 0
    with pytest.raises(KeyMissing):
        keys.find("usr_1", old.generation)
    assert keys.current("usr_1").generation != old.generation


def test_another_process_sees_the_same_key_and_its_end(tmp_path: Path):
    here, there = database(tmp_path), database(tmp_path)
    key = here.current("usr_1")
    assert there.current("usr_1") == key
    there.destroy("usr_1")
    with pytest.raises(KeyMissing):
        here.find("usr_1", key.generation)


def test_tenants_have_keys_of_their_own(tmp_path: Path):
    one, other = database(tmp_path), database(tmp_path, "another")
    key = one.current("usr_1")
    assert other.current("usr_1") != key
    assert (one.count(), other.count()) == ((1, 1), (1, 1))
    other.destroy("usr_1")
    assert one.current("usr_1") == key


def test_a_race_for_the_first_key_has_one_winner(tmp_path: Path):
    stores = [database(tmp_path) for _ in range(8)]
    found: list[DataKey] = []
    barrier = threading.Barrier(8)

    def take(store: DatabaseKeyStore) -> None:
        barrier.wait()
        found.append(store.current("usr_1"))

    threads = [threading.Thread(target=take, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert stores[0].count() == (1, 1)


CHANGES = {
    "cut": "update data_keys set wrapped = substr(wrapped, 1, 20)",
    "changed": "update data_keys set wrapped = cast(substr(wrapped, 1, 20) || zeroblob(45) as blob)",
    "somebody else's": "update data_keys set wrapped = (select wrapped from data_keys where subject = 'usr_2')",
    "no version": "update data_keys set wrapped = x'00'",
    "key-encryption key gone": "update data_keys set wrapped = cast(x'0100000063' || substr(wrapped, 6) as blob)",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_tampered_entry_is_not_used(tmp_path: Path, change: str):
    store = database(tmp_path)
    key = store.current("usr_1")
    store.current("usr_2")
    with sqlite3.connect(tmp_path / "subjects" / "keys.sqlite") as db:
        db.execute(CHANGES[change])
    again = database(tmp_path)
    for use in (lambda: again.find("usr_1", key.generation), lambda: again.current("usr_1")):
        with pytest.raises(KeyUnusable):
            use()


def test_a_wrapped_secret_that_is_no_key_is_not_used(tmp_path: Path):
    class Short(FileWrapper):
        def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
            return b"short"

    database(tmp_path).current("usr_1")
    store = DatabaseKeyStore(tmp_path / "subjects" / "keys.sqlite", Short(tmp_path), "t", ManualClock())
    with pytest.raises(KeyUnusable, match="not a key"):
        store.current("usr_1")


def test_no_key_is_in_the_files_in_the_clear_and_none_is_left_after_its_end(tmp_path: Path):
    store = database(tmp_path)
    secret = store.current("usr_1").secret
    with sqlite3.connect(tmp_path / "subjects" / "keys.sqlite") as db:
        (wrapped,) = db.execute("select wrapped from data_keys").fetchone()
    files = list((tmp_path / "subjects").iterdir())
    assert any(wrapped in file.read_bytes() for file in files)
    assert not any(secret in file.read_bytes() for file in files)
    assert all(file.stat().st_mode & 0o077 == 0 for file in files if file.suffix == ".sqlite")
    store.destroy("usr_1")
    store.close()
    assert not any(wrapped in file.read_bytes() or b"usr_1" in file.read_bytes() for file in files if file.exists())


def test_keys_are_wrapped_anew_under_a_new_key_and_read_by_who_is_running(tmp_path: Path):
    store, running = database(tmp_path), database(tmp_path)
    before = [store.current(f"usr_{number}") for number in range(5)]
    wrapper = FileWrapper(tmp_path)
    assert (store.rewrap(), wrapper.numbers) == ((0, []), [1])
    assert wrapper.rotate() == 2
    told: list[int] = []
    assert store.rewrap(told.append) == (5, [])
    assert told == [1, 2, 3, 4, 5]
    wrapper.retire(1)
    assert wrapper.numbers == [2]
    assert [running.current(f"usr_{number}") for number in range(5)] == before
    assert [database(tmp_path).current(f"usr_{number}") for number in range(5)] == before


def test_what_cannot_be_unwrapped_is_named_and_stays_and_the_others_are_wrapped_anew(tmp_path: Path):
    store = database(tmp_path)
    store.current("usr_1")
    with sqlite3.connect(tmp_path / "subjects" / "keys.sqlite") as db:
        db.execute(CHANGES["changed"])
    kept = store.current("usr_2")
    FileWrapper(tmp_path).rotate()
    done, unusable = store.rewrap()
    assert (done, [subject for subject, _ in unusable]) == (1, ["usr_1"])
    FileWrapper(tmp_path).retire(1)
    assert (store.count(), database(tmp_path).current("usr_2")) == ((2, 2), kept)


def test_only_so_many_unwrapped_keys_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sluice.key_store._REMEMBERED", 2)
    store = database(tmp_path)
    keys = [store.current(f"usr_{number}") for number in range(4)]
    assert [store.current(f"usr_{number}") for number in range(4)] == keys
    assert len(store._unwrapped) == 2


def test_a_store_that_is_locked_or_broken_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sluice.shared_database._BUSY_SECONDS", 0.01)
    store = database(tmp_path)
    with sqlite3.connect(tmp_path / "subjects" / "keys.sqlite", isolation_level=None) as other:
        other.execute("begin immediate")
        with pytest.raises(Unavailable, match="locked"):
            store.current("usr_1")
        other.execute("rollback")
    store._db.execute("drop table data_keys")
    for use in (lambda: store.current("usr_1"), lambda: store.destroy("usr_1")):
        with pytest.raises(Unavailable, match="no such table"):
            use()


def test_a_file_that_is_none_is_named(tmp_path: Path):
    (tmp_path / "subjects").mkdir()
    (tmp_path / "subjects" / "keys.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(ConfigurationError, match=r"keys\.sqlite cannot be used .*Restore it"):
        database(tmp_path)


def test_without_a_key_encryption_key_nothing_is_wrapped(tmp_path: Path):
    store = database(tmp_path)
    FileWrapper(tmp_path).retire(1)
    with pytest.raises(ConfigurationError, match="no key-encryption key"):
        store.current("usr_1")
    FileWrapper(tmp_path).rotate()
    (tmp_path / "key-encryption-1.key").write_text("zz")
    with pytest.raises(ConfigurationError, match="missing or no key"):
        database(tmp_path).current("usr_1")


def test_only_the_owner_reads_a_key_file(tmp_path: Path):
    create_secret_file(tmp_path / "a" / "key", b"x")
    assert (tmp_path / "a" / "key").stat().st_mode & 0o777 == 0o600
    create_secret_file(tmp_path / "a" / "key", b"y")
    assert (tmp_path / "a" / "key").read_bytes() == b"x"


def test_keys_that_nobody_sealed_with_for_long_go(tmp_path: Path):
    clock = ManualClock()
    wrapper = FileWrapper(tmp_path)
    wrapper.rotate()
    keys = DatabaseKeyStore(tmp_path / "keys.sqlite", wrapper, "t", clock)
    old, used = keys.current("usr_old"), keys.current("usr_used")
    clock.now += timedelta(days=40)
    assert keys.current("usr_used") == used
    keys.rotate("usr_new")
    clock.now += timedelta(days=30)
    assert keys.destroy_unused(clock.now - timedelta(days=60)) == 1
    assert keys.destroy_unused(clock.now - timedelta(days=60)) == 0
    with pytest.raises(KeyMissing):
        keys.find("usr_old", old.generation)
    assert keys.current("usr_used") == used
    assert keys.count() == (2, 2)


def test_only_so_many_days_of_use_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sluice.key_store._REMEMBERED", 1)
    keys = database(tmp_path)
    for name in ("usr_1", "usr_2", "usr_1"):
        assert keys.current(name) == keys.current(name)


def test_older_keys_go_and_newer_stay(tmp_path: Path):
    clock, wrapper = ManualClock(), FileWrapper(tmp_path)
    wrapper.rotate()
    keys = DatabaseKeyStore(tmp_path / "keys.sqlite", wrapper, "t", clock)
    keys.rotate("usr_1")
    until = clock.now
    clock.now += timedelta(seconds=1)
    newer = keys.rotate("usr_1")
    assert (keys.count_of("usr_1"), keys.count_of("usr_0")) == (2, 0)
    assert (keys.destroy_older("usr_1", until), keys.destroy_older("usr_1", until)) == (1, 0)
    assert keys.current("usr_1") == newer
