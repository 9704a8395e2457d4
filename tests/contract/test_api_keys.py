"""One suite over both stores of machines' keys; what a key is made of; the database's own ways."""

import re
import sqlite3
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from sluice.api_key_store import DatabaseApiKeys
from sluice.api_keys import (
    REVOKE,
    ApiKey,
    ApiKeys,
    MemoryApiKeys,
    is_api_key,
    key_id_of,
    new_key,
    revoke_again,
)
from sluice.audit import Link, Mark, chained
from sluice.errors import ConfigurationError, Unavailable
from sluice.tokens import SCOPES, Scope
from tests.doubles import NOON

DAY = timedelta(days=1)


def database(folder: Path) -> DatabaseApiKeys:
    return DatabaseApiKeys(folder / "machines" / "api-keys.sqlite")


@pytest.fixture(params=["memory", "database"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> ApiKeys:
    return MemoryApiKeys() if request.param == "memory" else database(tmp_path)


def made(*scopes: Scope, bots: list[str] | None = None, days: int = 90) -> tuple[str, ApiKey]:
    return new_key("a machine", scopes or ("chat",), bots, NOON, days)


def test_what_is_kept_comes_back(keys: ApiKeys):
    whole, limited, none = made(*SCOPES)[1], made("read", bots=["assistant", "helper"])[1], made(bots=[])[1]
    for key in (whole, limited, none):
        keys.add(key)
    assert keys.listed() == [whole, limited, none]
    assert [keys.find(key.key_id) for key in (whole, limited, none)] == [whole, limited, none]
    assert keys.find("0" * 16) is None


def test_a_key_that_ended_comes_back_as_it_ended(keys: ApiKeys):
    ended = replace(made()[1], revoked_at=NOON + DAY, used_on=date(2026, 3, 2))
    keys.add(ended)
    assert keys.find(ended.key_id) == ended


def test_revoked_is_for_good_and_from_the_first_time_on(keys: ApiKeys):
    key, other = made()[1], made()[1]
    keys.add(key)
    keys.add(other)
    assert keys.revoke(key.key_id, NOON + DAY) == replace(key, revoked_at=NOON + DAY)
    again = keys.revoke(key.key_id, NOON + 2 * DAY)
    assert again == keys.find(key.key_id) == replace(key, revoked_at=NOON + DAY)
    assert again.state(NOON) == again.state(NOON + 100 * DAY) == "revoked"
    assert keys.find(other.key_id) == other
    assert keys.revoke("0" * 16, NOON) is None


def test_the_last_day_of_use_is_noted(keys: ApiKeys):
    key, other = made()[1], made()[1]
    keys.add(key)
    keys.add(other)
    for day in (date(2026, 3, 1), date(2026, 3, 2)):
        keys.note_use(key.key_id, day)
    keys.note_use("0" * 16, date(2026, 3, 3))
    assert [found.used_on for found in keys.listed()] == [date(2026, 3, 2), None]


def test_what_ended_long_ago_is_forgotten(keys: ApiKeys):
    short, long, revoked = made(days=1)[1], made(days=90)[1], made(days=90)[1]
    for key in (short, long, revoked):
        keys.add(key)
    keys.revoke(revoked.key_id, NOON + 2 * DAY)
    assert keys.forget_ended(NOON + DAY) == 0
    assert keys.forget_ended(NOON + 2 * DAY) == 1
    assert keys.forget_ended(NOON + 3 * DAY) == 1
    assert keys.listed() == [long]


def test_after_a_restore_what_the_log_knows_to_be_revoked_is_revoked(keys: ApiKeys):
    back, before, good = made()[1], made()[1], made()[1]
    for key in (back, before, good):
        keys.add(key)
    keys.revoke(before.key_id, NOON)
    marks = [
        Mark("op", "api_keys.create", "allowed", "chat", good.user_id(b"p")),
        *(Mark("op", REVOKE, "allowed", None, key.user_id(b"p")) for key in (back, before)),
        Mark("op", REVOKE, "allowed", None, "usr_of_a_key_that_is_forgotten"),
    ]
    log = chained(marks, Link(), b"k", NOON + DAY)
    assert revoke_again(keys, log, b"p") == 1
    assert revoke_again(keys, log, b"p") == 0
    assert [key.revoked_at for key in keys.listed()] == [NOON + DAY, NOON, None]


def test_a_key_has_a_prefix_an_id_and_256_bits_of_chance():
    made_ones = [made() for _ in range(50)]
    for text, key in made_ones:
        assert re.fullmatch(r"slk_[0-9a-f]{16}_[0-9a-f]{64}", text)
        assert (is_api_key(text), key_id_of(text)) == (True, key.key_id)
    assert len({text[-64:] for text, _ in made_ones}) == len({key.key_id for _, key in made_ones}) == 50


@pytest.mark.parametrize("text", ["slk_", "slk_0", "slk_" + "0" * 16, "slk_" + "0" * 81, "x", "slk_\n" * 20000])
def test_what_cannot_be_a_key_has_no_id(text: str):
    assert key_id_of(text) is None


def test_a_key_is_known_by_all_of_it_and_by_nothing_else():
    (text, key), (other_text, other) = made(), made()
    assert key.is_known_by(text)
    assert not key.is_known_by(other_text)
    assert not key.is_known_by(text[:-1] + ("0" if text[-1] != "0" else "1"))
    assert not key.is_known_by(f"slk_{other.key_id}_{text[-64:]}")
    assert not replace(other, digest=key.digest).is_known_by(other_text)


def test_its_time_ends():
    key = made(days=2)[1]
    assert [key.state(NOON + days * DAY) for days in (0, 1, 2)] == ["active", "active", "expired"]


def test_who_it_is():
    key = made("read", "privacy_officer", bots=["assistant"])[1]
    person = key.person(b"p")
    assert person.user_id == key.user_id(b"p") != made()[1].user_id(b"p")
    assert person.roles == {"user", "privacy_officer"}
    assert (person.may_ask("assistant"), person.may_ask("helper")) == (True, False)
    assert made()[1].person(b"p").may_ask("helper")


def test_neither_the_secret_nor_its_hash_is_shown_or_kept(tmp_path: Path):
    text, key = made()
    assert "digest" not in repr(key)
    keys = database(tmp_path)
    keys.add(key)
    files = list((tmp_path / "machines").iterdir())
    assert any(key.digest in file.read_bytes() for file in files)
    assert not any(text[-64:].encode() in file.read_bytes() for file in files)
    assert not any(bytes.fromhex(text[-64:]) in file.read_bytes() for file in files)
    keys.close()
    (only,) = (tmp_path / "machines").iterdir()
    assert only.stat().st_mode & 0o077 == 0


def test_another_process_sees_a_key_and_its_end_at_once(tmp_path: Path):
    here, there = database(tmp_path), database(tmp_path)
    key = made()[1]
    here.add(key)
    assert there.find(key.key_id) == key
    there.revoke(key.key_id, NOON)
    found = here.find(key.key_id)
    assert found is not None
    assert found.state(NOON) == "revoked"


def test_a_copy_is_whole(tmp_path: Path):
    keys, key = database(tmp_path), made()[1]
    keys.add(key)
    keys.copy_to(tmp_path / "copy.sqlite")
    assert DatabaseApiKeys(tmp_path / "copy.sqlite").listed() == [key]


def test_a_store_that_is_locked_or_broken_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sluice.shared_database._BUSY_SECONDS", 0.01)
    keys, key = database(tmp_path), made()[1]
    with sqlite3.connect(tmp_path / "machines" / "api-keys.sqlite", isolation_level=None) as other:
        other.execute("begin immediate")
        with pytest.raises(Unavailable, match=r"The store of API keys does not answer .*locked"):
            keys.add(key)
        other.execute("rollback")
    keys._db.execute("drop table api_keys")
    for use in (keys.listed, lambda: keys.find(key.key_id), lambda: keys.revoke(key.key_id, NOON)):
        with pytest.raises(Unavailable, match="no such table"):
            use()


def test_a_file_that_is_none_is_named(tmp_path: Path):
    (tmp_path / "machines").mkdir()
    (tmp_path / "machines" / "api-keys.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(ConfigurationError, match=r"api-keys\.sqlite cannot be used .*create new keys"):
        database(tmp_path)
