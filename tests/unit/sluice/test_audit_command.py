"""What `sluice audit` says of a log that was read, and how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sluice.audit import Broken, Link, Mark, chained, end_of
from sluice.audit_anchor import FILE, Anchor, Doubt
from sluice.audit_log import AuditLog, Verified
from sluice.cli import audit
from sluice.codec import Codec
from sluice.errors import Unavailable
from sluice.events import AuditRecorded
from sluice.key_files import make_key_files
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from tests.doubles import NOON, ManualClock

KEY = b"audit key"
RECORDS = chained([Mark("op", "data.erase", "allowed"), Mark("op", "data.export", "allowed")], Link(), KEY, NOON)


class InMemory(AuditLog):
    """A log of a list. `ended` is Kafka's end offset: higher than what is left where records were taken."""

    def __init__(self, path: Path, records: list[AuditRecorded], ended: int | None = None) -> None:
        codec = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
        super().__init__("127.0.0.1:9", "g", codec, KEY, ManualClock(), Anchor(path / FILE))
        self.held, self.ended = [*records], len(records) if ended is None else ended

    def entries(self):  # type: ignore[no-untyped-def]
        return iter(enumerate(self.held))

    def _ends(self) -> int:
        return self.ended

    def append(self, marks):  # type: ignore[no-untyped-def]
        after = end_of(self.held[-1]) if self.held else Link()
        made = chained(marks, after, KEY, NOON)
        self.held += made
        self._anchor.note(made)
        return made


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    make_key_files(tmp_path / "keys")
    return tmp_path / "keys"


def with_log(monkeypatch: pytest.MonkeyPatch, log: object) -> None:
    monkeypatch.setattr(audit.wiring, "audit_log", lambda *_: log)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(audit.commands, list(arguments))


def test_a_whole_log_is_whole(keys: Path, monkeypatch: pytest.MonkeyPatch):
    log = InMemory(keys, [])
    with_log(monkeypatch, log)
    assert (run("verify").exit_code, run("verify").output) == (0, "0 records, 0 broken\n")
    log.append([Mark("op", "data.erase", "allowed")])
    done = run("verify")
    assert (done.exit_code, done.output) == (0, "1 records from place 0 to 0, 0 broken\n")
    shown = json.loads(run("verify", "--json").output)
    assert (shown["broken"], shown["ends_unknown"]) == ([], None)


@pytest.mark.parametrize(
    ("content", "doubt"), [(None, "anchor missing"), ("{", "anchor unreadable"), ("late", "anchor begun late")]
)
def test_without_its_anchor_a_log_is_not_called_whole(
    keys: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, doubt: Doubt
):
    log = InMemory(keys, RECORDS)
    with_log(monkeypatch, log)
    if content == "late":
        log.append([Mark("op", "keys.rotate", "allowed")])
    elif content is not None:
        (keys / FILE).write_text(content)
    told = run("verify")
    assert (told.exit_code, f"ends unknown, {doubt}: {FILE} " in told.output) == (1, True), told.output
    assert told.output.endswith("0 broken, ends unknown\n")
    document = run("verify", "--json")
    assert (document.exit_code, json.loads(document.output)["ends_unknown"]) == (1, doubt)


def test_a_log_that_was_emptied_is_not_new(keys: Path, monkeypatch: pytest.MonkeyPatch):
    with_log(monkeypatch, InMemory(keys, [], ended=9))
    assert (run("verify").exit_code, "anchor missing" in run("verify").output) == (1, True)


def test_a_person_who_has_compared_begins_anew_with_a_mark(keys: Path, monkeypatch: pytest.MonkeyPatch):
    log = InMemory(keys, RECORDS)
    with_log(monkeypatch, log)
    assert run("verify").exit_code == 1
    assert run("remember").exit_code == 0
    assert [record.action for record in log.held] == ["data.erase", "data.export", "audit.remember"]
    assert run("verify").exit_code == 0
    del log.held[0]
    assert (run("verify").exit_code, "place 0: removed" in run("verify").output) == (1, True)


class Away:
    """A log that does not answer."""

    def verify(self, _retention: object) -> Verified:
        raise Unavailable("no broker")

    remember = records = verify


def test_a_log_that_is_away_is_said(keys: Path, monkeypatch: pytest.MonkeyPatch):
    away = Away()
    monkeypatch.setattr(away, "records", lambda: away.verify(None), raising=False)
    with_log(monkeypatch, away)
    assert [run(word).exit_code for word in ("verify", "remember", "list")] == [3, 3, 3]


def test_what_is_broken_is_shown_with_its_offset(keys: Path, monkeypatch: pytest.MonkeyPatch):
    class Spoilt(Away):
        def verify(self, _retention: object) -> Verified:
            return Verified(RECORDS, [Broken(1, 1, "changed"), Broken(-1, 7, "removed")], None)

    with_log(monkeypatch, Spoilt())
    told = run("verify")
    assert told.exit_code == 1
    assert told.output.splitlines()[:2] == ["offset 1, place 1: changed", "place 7: removed"]
