"""One suite over both key stores."""

import threading

import pytest

from sluice.key_store import DataKey, FileKeyStore, KeyMissing, KeyStore, MemoryKeyStore, create_secret_file


@pytest.fixture(params=["memory", "file"])
def keys(request, tmp_path) -> KeyStore:
    return MemoryKeyStore() if request.param == "memory" else FileKeyStore(tmp_path / "keys")


def test_a_subject_has_one_key(keys: KeyStore):
    key = keys.current("usr_1")
    assert key == keys.current("usr_1") == keys.find("usr_1", key.generation)
    assert (key.generation, len(key.secret)) == (1, 32)


def test_subjects_have_different_keys(keys: KeyStore):
    assert keys.current("usr_1").secret != keys.current("usr_2").secret


def test_who_was_never_seen_has_none(keys: KeyStore):
    with pytest.raises(KeyMissing):
        keys.find("usr_1", 1)


def test_a_generation_that_never_was_has_none(keys: KeyStore):
    keys.current("usr_1")
    with pytest.raises(KeyMissing):
        keys.find("usr_1", 2)


def test_destroyed_is_gone_and_a_new_key_is_another(keys: KeyStore):
    old = keys.current("usr_1")
    assert keys.destroy("usr_1")
    assert not keys.destroy("usr_1")
    with pytest.raises(KeyMissing):
        keys.find("usr_1", 1)
    assert keys.current("usr_1").secret != old.secret


def test_another_process_sees_the_same_key(tmp_path):
    assert FileKeyStore(tmp_path).current("usr_1") == FileKeyStore(tmp_path).current("usr_1")


def test_a_race_for_the_first_key_has_one_winner(tmp_path):
    stores = [FileKeyStore(tmp_path) for _ in range(8)]
    found: list[DataKey] = []
    barrier = threading.Barrier(8)

    def take(store: FileKeyStore) -> None:
        barrier.wait()
        found.append(store.current("usr_1"))

    threads = [threading.Thread(target=take, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("content", ["", "1:zz", "x:00", "1:00"])
def test_a_tampered_file_is_a_missing_key(tmp_path, content):
    store = FileKeyStore(tmp_path)
    store.current("usr_1")
    next(tmp_path.iterdir()).write_text(content)
    with pytest.raises(KeyMissing):
        store.find("usr_1", 1)


def test_only_the_owner_reads_a_key_file(tmp_path):
    create_secret_file(tmp_path / "a" / "key", b"x")
    assert (tmp_path / "a" / "key").stat().st_mode & 0o777 == 0o600
    create_secret_file(tmp_path / "a" / "key", b"y")
    assert (tmp_path / "a" / "key").read_bytes() == b"x"
