"""What is remembered of a chain, and what is missed of it."""

from datetime import date, timedelta
from pathlib import Path

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
    anchor.path.write_text("{")
    assert missed(anchor, []) == []


def test_a_late_writer_does_not_turn_the_end_back(tmp_path: Path):
    anchor, records = Anchor(tmp_path / "anchor"), chain(2)
    anchor.note(records)
    anchor.note(records[:1])
    assert anchor.read().last.place == 3
