"""`sluice keys` on a folder of keys."""

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sluice import wiring
from sluice.cli import audit, dlq
from sluice.cli.keys import commands
from sluice.dead_letter_topics import Held
from sluice.errors import Unavailable
from sluice.ids import pseudonym
from sluice.key_files import PSEUDONYM_KEY, make_key_files, read_key_file
from sluice.key_store import DatabaseKeyStore
from sluice.key_wrapping import FileWrapper
from sluice.settings import Settings

SOMEBODY = "usr_" + "0" * 31 + "a"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatabaseKeyStore:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    monkeypatch.setattr(audit, "mark", lambda *_, **__: None)
    make_key_files(tmp_path / "keys")
    return wiring.key_store(Settings(home=tmp_path))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments))


def test_status(store: DatabaseKeyStore):
    store.current("usr_1")
    store.rotate("usr_1")
    assert json.loads(run("status", "--json").output) == {"people": 1, "keys": 2, "wrapped_by": "file"}
    assert "2 keys of 1 people" in run("status").output


def test_rotation_keeps_the_key_before_until_the_next(store: DatabaseKeyStore, tmp_path: Path):
    keys = [store.current(f"usr_{number}") for number in range(3)]
    files = FileWrapper(tmp_path / "keys")
    assert run("rotate").output == "3 keys wrapped anew, 0 unusable.\n"
    assert files.numbers == [1, 2]
    assert run("rotate").exit_code == 0
    assert files.numbers == [2, 3]
    assert [store.current(f"usr_{number}") for number in range(3)] == keys


def test_without_letters_nothing_is_put_back_and_no_mark_is_left(
    store: DatabaseKeyStore, monkeypatch: pytest.MonkeyPatch
):
    def unwanted(*_: object) -> None:
        raise AssertionError("a mark")

    monkeypatch.setattr(audit, "mark", unwanted)
    monkeypatch.setattr(dlq, "_held", lambda: Held([], frozenset()))
    monkeypatch.setattr(dlq, "redrive", lambda *_: [])
    done = CliRunner().invoke(dlq.commands, ["redrive", "--all"])
    assert (done.exit_code, done.output) == (0, "nothing to put back\n")


def test_a_long_rotation_tells_how_far_it_is(store: DatabaseKeyStore, monkeypatch: pytest.MonkeyPatch):
    def rewrap(_store: DatabaseKeyStore, progress) -> int:
        for number in range(1, 2001):
            progress(number)
        return 2000, []

    monkeypatch.setattr(DatabaseKeyStore, "rewrap", rewrap)
    assert run("rotate").stderr == "1000 keys so far\n2000 keys so far\n"


def test_one_person_gets_a_new_key(store: DatabaseKeyStore):
    old = store.current(SOMEBODY)
    assert f"{SOMEBODY} has a new key" in run("rotate", SOMEBODY).output
    assert store.current(SOMEBODY) != old
    assert store.find(SOMEBODY, old.generation) == old


def test_a_person_may_be_named_by_the_subject_of_their_tokens(
    store: DatabaseKeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    marked: list[str] = []
    monkeypatch.setattr(audit, "mark", lambda *said: marked.append(said[-1]))
    person = pseudonym("jane@example.com", read_key_file(tmp_path / "keys", PSEUDONYM_KEY))
    store.current(person)
    done = run("rotate", "jane@example.com")
    assert done.output.startswith(f"{person} has a new key")
    assert marked == [person]


@pytest.mark.parametrize(("subject", "code"), [("nobody", 1), ("", 3), (SOMEBODY[:-1], 3), (SOMEBODY.upper(), 3)])
def test_who_has_no_key_gets_none(store: DatabaseKeyStore, subject: str, code: int):
    assert run("rotate", subject).exit_code == code
    assert store.count() == (0, 0)


def test_with_vault_only_the_keys_are_wrapped_anew(store: DatabaseKeyStore, monkeypatch: pytest.MonkeyPatch):
    class Elsewhere:
        def is_current(self, _wrapped: bytes) -> bool:
            return True

    monkeypatch.setattr(wiring, "key_wrapper", lambda _settings: Elsewhere())
    assert run("rotate").output == "0 keys wrapped anew, 0 unusable.\n"


def test_keys_that_were_tampered_with_are_found_and_marked(
    store: DatabaseKeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    marks: list[tuple[str, ...]] = []
    monkeypatch.setattr(audit, "mark", lambda _settings, *mark: marks.append(mark))
    for person in ("usr_1", "usr_2"):
        store.current(person)
    assert run("verify").output == "2 keys, 0 unusable\n"
    with sqlite3.connect(tmp_path / "keys" / "subjects" / "keys.sqlite") as db:
        db.execute("update data_keys set wrapped = x'00' where subject = 'usr_2'")
    done = run("verify")
    assert (done.exit_code, marks) == (1, [("keys.verify", "failed", "unusable", "usr_2")])
    assert "usr_2: not a wrapped key of a known version. Restore the key store from a backup." in done.output
    assert [one["person"] for one in json.loads(run("verify", "--json").output)["unusable"]] == ["usr_2"]
    monkeypatch.setenv("SLUICE_KEY_ENCRYPTION", "vault")
    assert run("verify").exit_code == 3


def test_one_bad_entry_stops_nobody_elses_rotation(
    store: DatabaseKeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    marks: list[tuple[str, ...]] = []
    monkeypatch.setattr(audit, "mark", lambda _settings, *mark: marks.append(mark))
    for number in range(3):
        store.current(f"usr_{number}")
    with sqlite3.connect(tmp_path / "keys" / "subjects" / "keys.sqlite") as db:
        db.execute("update data_keys set wrapped = x'00' where subject = 'usr_0'")
    done = run("rotate")
    assert (done.exit_code, marks) == (1, [("keys.rotate", "failed", "2 keys wrapped anew, 1 unusable")])
    assert "usr_0: not a wrapped key of a known version. Restore the key store from a backup." in done.output
    assert FileWrapper(tmp_path / "keys").numbers == [1, 2]
    assert run("rotate").exit_code == 1
    assert FileWrapper(tmp_path / "keys").numbers == [1, 2, 3]


def test_what_stops_it_is_said(store: DatabaseKeyStore, monkeypatch: pytest.MonkeyPatch):
    def away(*_: object) -> None:
        raise Unavailable("no broker.")

    monkeypatch.setattr(audit, "mark", away)
    assert "no broker. What was done is done: run it again." in run("rotate").output
    monkeypatch.setenv("SLUICE_KEY_ENCRYPTION", "vault")
    assert "SLUICE_VAULT_TOKEN" in run("status").output
