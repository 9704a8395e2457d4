"""What is remembered of a chain, and what is missed of it."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from sluice.audit import Link, Mark, chained, end_of
from sluice.audit_anchor import Anchor
from sluice.events import AuditRecorded
from tests.doubles import NOON

KEY, DAY, FIRST_DAY = b"audit key", timedelta(days=1), NOON.date()


def chain(days: int) -> list[AuditRecorded]:
    """Two records a day."""
    records: list[AuditRecorded] = []
    for number in range(days):
        end = end_of(records[-1]) if records else Link()
        marks = [Mark("a", "data.export", "allowed", str(number)), Mark("b", "data.erase", "allowed", str(number))]
        records += chained(marks, end, KEY, NOON + number * DAY)
    return records


def missed(anchor: Anchor, records: list[AuditRecorded], since: date = FIRST_DAY) -> list[int]:
    return [one.place for one in anchor.missing({record.place: record for record in records}, since)]


def test_the_first_of_each_day_and_the_last_are_remembered(tmp_path: Path):
    anchor, records = Anchor(tmp_path / "keys" / "anchor"), chain(3)
    for record in records:
        anchor.note([record])
    known = anchor.read()
    assert [link.place for link in known.days.values()] == [0, 2, 4]
    assert known.last == end_of(records[-1])
    assert anchor.path.stat().st_mode & 0o077 == 0
    assert missed(anchor, records) == []


def test_what_is_gone_or_another_is_missed(tmp_path: Path):
    anchor, records = Anchor(tmp_path / "anchor"), chain(3)
    anchor.note(records)
    assert missed(anchor, records[1:]) == [0]
    assert missed(anchor, records[:-1]) == [5]
    assert missed(anchor, []) == [0, 2, 4, 5]
    other = chained([Mark("c", "data.erase", "allowed")] * 1, Link(), KEY, NOON)
    assert missed(anchor, [*other, *records[1:]]) == [0]


def test_what_retention_may_have_taken_is_not(tmp_path: Path):
    anchor, records = Anchor(tmp_path / "anchor"), chain(3)
    anchor.note(records)
    assert missed(anchor, records[2:], (NOON + DAY).date()) == []
    assert missed(anchor, [], (NOON + 9 * DAY).date()) == []


def test_nothing_is_missed_where_nothing_was_written(tmp_path: Path):
    anchor = Anchor(tmp_path / "anchor")
    anchor.note([])
    assert (missed(anchor, []), anchor.path.exists()) == ([], False)
    assert anchor.doubt(FIRST_DAY, is_new=True) is None


BROKEN = ["{", "[]", "{}", "null", '{"days": {"soon": [0, ""]}, "last": [0, ""]}', '{"days": [], "last": [0, ""]}']


@pytest.mark.parametrize("content", BROKEN)
def test_an_anchor_that_cannot_be_read_is_a_doubt(tmp_path: Path, content: str):
    anchor, records = Anchor(tmp_path / "anchor"), chain(3)
    anchor.path.write_text(content)
    assert missed(anchor, []) == []
    for is_new in (True, False):
        assert anchor.doubt(FIRST_DAY, is_new=is_new) == "anchor unreadable"
    anchor.note(records[4:])
    assert anchor.doubt(FIRST_DAY, is_new=False) == "anchor begun late"


def test_an_anchor_that_is_gone_is_a_doubt_also_once_there_is_another(tmp_path: Path):
    anchor, records = Anchor(tmp_path / "anchor"), chain(3)
    anchor.note(records[:2])
    assert anchor.doubt(FIRST_DAY, is_new=False) is None
    anchor.path.unlink()
    assert anchor.doubt(FIRST_DAY, is_new=False) == "anchor missing"
    for later in (records[2:4], records[4:]):
        anchor.note(later)
        assert anchor.doubt(FIRST_DAY, is_new=False) == "anchor begun late"
    assert anchor.doubt((NOON + 2 * DAY).date(), is_new=False) is None  # older ones went by retention
    anchor.begin(records)
    assert anchor.doubt(FIRST_DAY, is_new=False) is None
    assert missed(anchor, records[1:-1]) == [0, 5]


def test_who_writes_the_first_record_begins_in_time(tmp_path: Path):
    anchor, records = Anchor(tmp_path / "anchor"), chain(1)
    anchor.note(records)
    assert anchor.doubt(FIRST_DAY, is_new=False) is None


def test_an_anchor_of_before_has_no_word_of_its_beginning(tmp_path: Path):
    anchor = Anchor(tmp_path / "anchor")
    anchor.path.write_text('{"days": {"2026-03-01": [7, "seal"]}, "last": [9, "seal"]}')
    assert anchor.doubt(FIRST_DAY, is_new=False) is None
    anchor.note(chain(6)[10:])
    assert anchor.doubt(FIRST_DAY, is_new=False) is None


def test_a_late_writer_does_not_turn_the_end_back(tmp_path: Path):
    anchor, records = Anchor(tmp_path / "anchor"), chain(2)
    anchor.note(records)
    anchor.note(records[:1])
    assert anchor.read().last.place == 3
