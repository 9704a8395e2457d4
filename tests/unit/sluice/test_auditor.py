"""Marks that nobody waits for are written sooner or later, or counted."""

import threading
from pathlib import Path

import pytest

from sluice import audit_log
from sluice.audit import Mark
from sluice.audit_anchor import Anchor
from sluice.audit_log import AuditLog, Auditor
from sluice.codec import Codec
from sluice.errors import Unavailable
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from tests.doubles import ManualClock
from tests.samples import SAMPLES
from tests.unit.connectors.doubles import FakeMessage
from tests.waiting import until

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
MARK = Mark("unknown", "token.refuse", "refused", "unauthenticated")


class Log:
    """Takes marks, after having been away a number of times."""

    def __init__(self, away: int = 0) -> None:
        self.away, self.taken = away, []
        self.asked = threading.Event()

    def append(self, marks: list[Mark]) -> None:
        self.asked.set()
        if self.away:
            self.away -= 1
            raise Unavailable("no broker")
        self.taken += marks


def test_a_log_that_is_away_is_asked_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audit_log, "_LATER_SECONDS", 0.01)
    log = Log(away=2)
    auditor = Auditor(log.append, pause=0.0)
    auditor.start()
    auditor.note(MARK)
    assert until(lambda: log.taken == [MARK])
    auditor.note(MARK)
    auditor.stop()
    assert log.taken == [MARK, MARK]


def test_an_end_does_not_wait_for_a_log_that_is_away():
    log = Log(away=1000)
    auditor = Auditor(log.append, pause=0.0)
    auditor.start()
    auditor.note(MARK)
    assert log.asked.wait(10)
    auditor.stop(10)
    assert not auditor._thread.is_alive()


class Told:
    """A reader that gives these messages, then nothing."""

    def __init__(self, *messages: object) -> None:
        self.messages = [*messages]

    def assign(self, _partitions: object) -> None:
        return

    def poll(self, _seconds: float) -> object:
        return self.messages.pop(0) if self.messages else None


def test_what_is_no_mark_is_told_apart_and_silence_is_no_end(tmp_path: Path):
    other = FakeMessage("audit-log", 0, CODEC.encode(SAMPLES["StageTimed"]))
    junk = FakeMessage("audit-log", 1, b"junk")
    mark = FakeMessage("audit-log", 2, CODEC.encode(SAMPLES["AuditRecorded"]))
    log = AuditLog("127.0.0.1:9", "g", CODEC, b"key", ManualClock(), Anchor(tmp_path / "anchor"))
    read = log._read(Told(other, junk, mark), 0, 9)  # type: ignore[arg-type]
    assert [next(read) for _ in range(3)] == [(0, None), (1, None), (2, SAMPLES["AuditRecorded"])]
    with pytest.raises(Unavailable, match="stopped answering"):
        next(read)


def test_who_never_started_ends_at_once():
    Auditor(Log().append).stop()


def test_what_does_not_fit_is_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audit_log, "_MOST_WAITING", 2)
    log = Log()
    auditor = Auditor(log.append, pause=0.0)
    for _ in range(3):
        auditor.note(MARK)
    assert auditor.lost == 1
    auditor.start()
    auditor.stop()
    assert log.taken == [MARK, MARK]
