"""`sluice api-keys` on a folder of keys, and what doctor, backup and the catalogue of secrets know of them."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sluice import wiring
from sluice.api_key_store import DatabaseApiKeys
from sluice.api_keys import new_key
from sluice.cli import audit, doctor
from sluice.cli.main import build
from sluice.clock import utc_now
from sluice.errors import Unavailable
from sluice.key_files import make_key_files
from sluice.settings import Settings
from sluice.tokens import ROLES, SCOPES

Marked = list[tuple[object, ...]]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    make_key_files(tmp_path / "keys")
    return Settings(home=tmp_path)


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> Marked:
    found: Marked = []
    monkeypatch.setattr(audit, "mark", lambda _settings, *what, **whom: found.append((*what, *whom.values())))
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["api-keys", *arguments], env={"COLUMNS": "250"})


def stored(settings: Settings) -> DatabaseApiKeys:
    return wiring.api_keys(settings)


def test_scopes_are_what_everybody_may_do_and_the_roles_of_people():
    assert set(SCOPES) == {"chat", "read"} | (ROLES - {"user"})


def test_a_key_is_printed_once_and_leaves_a_mark(settings: Settings, marks: Marked):
    done = run("create", "build 7")
    assert done.exit_code == 0, done.output
    text = done.stdout.strip()
    (key,) = stored(settings).listed()
    assert key.is_known_by(text)
    assert (key.name, key.scopes, key.bots) == ("build 7", {"chat", "read"}, None)
    assert key.expires_at - key.created_at == timedelta(days=90)
    assert f"sluice api-keys revoke {key.key_id}" in done.stderr
    assert marks == [("api_keys.create", "allowed", "chat read", key.user_id(b"" + _pseudonym_key(settings)))]
    for shown in (run("list"), run("list", "--json")):
        assert key.key_id in shown.stdout
        assert text[-64:] not in shown.output
        assert key.digest.hex() not in shown.output


def _pseudonym_key(settings: Settings) -> bytes:
    return (settings.keys_dir / "pseudonym.key").read_bytes()


def test_as_a_document(settings: Settings, marks: Marked):
    asked = ("--scope", "privacy_officer", "--scope", "read", "--bot", "assistant", "--days", "7")
    made = json.loads(run("create", "eraser", *asked, "--json").stdout)
    text = made.pop("key")
    (key,) = stored(settings).listed()
    assert key.is_known_by(text)
    (listed,) = json.loads(run("list", "--json").stdout)
    assert made == listed
    assert (listed["scopes"], listed["bots"], listed["state"]) == (["read", "privacy_officer"], ["assistant"], "active")
    assert (listed["used_on"], listed["revoked_at"]) == (None, None)


def test_the_list_says_how_each_is(settings: Settings, marks: Marked):
    now, keys = utc_now(), stored(settings)
    for name, days, began in (("good", 1, timedelta(0)), ("over", 1, timedelta(days=2)), ("ended", 9, timedelta(0))):
        keys.add(new_key(name, ["chat"], ["helper"] if name == "good" else None, now - began, days)[1])
    keys.revoke(keys.listed()[2].key_id, now)
    keys.note_use(keys.listed()[0].key_id, now.date())
    states = [(key["name"], key["state"]) for key in json.loads(run("list", "--json").stdout)]
    assert states == [("good", "active"), ("over", "expired"), ("ended", "revoked")]
    table = run("list").stdout
    assert all(word in table for word in ("helper", "all", "never", now.date().isoformat()))


def test_a_key_is_revoked_once_and_for_all(settings: Settings, marks: Marked):
    key_id = json.loads(run("create", "a", "--json").stdout)["id"]
    assert run("revoke", key_id).stdout == f"{key_id} (a) is revoked.\n"
    (key,) = stored(settings).listed()
    assert key.revoked_at is not None
    assert run("revoke", key_id).exit_code == 0
    assert stored(settings).listed() == [key]
    assert [mark[0] for mark in marks] == ["api_keys.create", "api_keys.revoke", "api_keys.revoke"]
    unknown = run("revoke", "0" * 16)
    assert (unknown.exit_code, "sluice api-keys list" in unknown.stderr, len(marks)) == (1, True, 3)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("a", "--scope", "king"), "There is no scope king. There are chat, read, analyst"),
        (("a", "--bot", "nobody"), "There is no bot nobody. There are "),
        (("",), "A name is 1 to 64 letters"),
        (("x" * 65,), "A name is 1 to 64 letters"),
        (("a\nb",), "A name is 1 to 64 letters"),
        (("a", "--days", "0"), "--days"),
    ],
)
def test_wrong_use_is_said_and_makes_nothing(settings: Settings, marks: Marked, arguments, complaint):
    refused = run("create", *arguments)
    assert refused.exit_code == 2
    assert complaint in refused.stderr
    assert (marks, stored(settings).listed()) == ([], [])


def test_without_the_log_no_key_is_made_but_every_key_is_revoked(
    settings: Settings, marks: Marked, monkeypatch: pytest.MonkeyPatch
):
    key_id = json.loads(run("create", "a", "--json").stdout)["id"]

    def away(*_: object, **__: object) -> None:
        raise Unavailable("The audit log cannot be written (no broker).")

    monkeypatch.setattr(audit, "mark", away)
    refused = run("create", "b")
    assert (refused.exit_code, refused.stdout) == (3, "")
    revoked = run("revoke", key_id)
    assert revoked.exit_code == 3
    assert "is revoked" in revoked.stdout
    assert "Run it again when the log is there" in revoked.stderr
    (key,) = stored(settings).listed()
    assert key.revoked_at is not None


def test_where_nothing_was_made_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marks: Marked):
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    missing = run("create", "a")
    assert (missing.exit_code, "`make up` creates it" in missing.stderr) == (3, True)
    path = Settings(home=tmp_path).api_keys_path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database" * 100)
    for arguments in (("list",), ("revoke", "0" * 16)):
        broken = run(*arguments)
        assert (broken.exit_code, "api-keys.sqlite cannot be used" in broken.stderr) == (3, True)


def test_doctor_names_what_ends_soon(settings: Settings):
    assert doctor._api_keys(settings) == "0 in force"
    assert not settings.api_keys_path.exists()
    keys, now = stored(settings), utc_now()
    soon, later = (new_key(name, ["chat"], None, now, days)[1] for name, days in (("soon", 13), ("later", 15)))
    for key in (soon, later):
        keys.add(key)
    expected = f"2 in force; to be replaced within two weeks: {soon.key_id} (soon)"
    assert doctor._api_keys(settings) == expected
    keys.revoke(soon.key_id, now)
    assert doctor._api_keys(settings) == "1 in force"
