"""Marks that could not go into the log at once are not lost, whatever ends the process that owes or settles them."""

from pathlib import Path

import pytest

from sluice.audit import Mark
from sluice.errors import Unavailable
from sluice.owed_marks import OwedMarks
from tests.doubles import NOON

BARE, FULL = Mark("op", "data.restore", "allowed"), Mark("op", "token.issue", "allowed", "user admin", "usr_1")
NOTED = "noted 2026-03-01T12:00:00Z"


def away(_marks: list[Mark]) -> None:
    raise Unavailable("no broker")


def test_what_is_noted_is_handed_over_once(tmp_path: Path):
    owed, log = OwedMarks(tmp_path / "marks"), list[Mark]()
    assert owed.settle(log.extend) == 0
    owed.note(BARE, NOON)
    owed.note(FULL, NOON)
    assert [path.stat().st_mode & 0o077 for path in (owed.folder, owed.folder / "owed.jsonl")] == [0, 0]
    assert (owed.settle(log.extend), owed.settle(log.extend)) == (2, 0)
    assert log == [
        Mark("op", "data.restore", "allowed", NOTED),
        Mark("op", "token.issue", "allowed", f"user admin, {NOTED}", "usr_1"),
    ]


def test_a_log_that_is_away_is_owed_still_and_comes_first(tmp_path: Path):
    owed, log = OwedMarks(tmp_path), list[Mark]()
    owed.note(BARE, NOON)
    with pytest.raises(Unavailable):
        owed.settle(away)
    owed.note(FULL, NOON)
    assert [owed.settle(log.extend) for _ in range(3)] == [1, 1, 0]
    assert [mark.action for mark in log] == ["data.restore", "token.issue"]


def test_what_a_crash_left_half_written_spoils_nothing(tmp_path: Path):
    owed, log = OwedMarks(tmp_path), list[Mark]()
    (tmp_path / "owed.jsonl").write_text('{"actor_id": "op"}\n[1]\n{"actor_id": "op", "act')
    owed.note(FULL, NOON)
    assert (owed.settle(log.extend), [mark.action for mark in log]) == (1, ["token.issue"])
    (tmp_path / "owed.jsonl").write_text("half")
    assert owed.settle(away) == 0
