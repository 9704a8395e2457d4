"""No record of the audit log can be changed, removed, moved, added or repeated unseen."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sluice.audit import Broken, Link, Mark, breaks, chained, end_of
from sluice.events import AuditRecorded
from tests.doubles import NOON

KEY = b"audit key"
REFUSED = Mark("unknown", "token.refuse", "refused", "token_expired")


def chain(length: int) -> list[tuple[int, AuditRecorded]]:
    after, records = Link(), []
    for number in range(length):
        mark = Mark(f"usr_{number}", "data.erase", "allowed", None, "usr_9")
        (record,) = chained([mark], after, KEY, NOON + timedelta(seconds=number))
        records.append((number * 2, record))
        after = end_of(record)
    return records


def test_a_whole_chain_holds_from_wherever_it_is_kept():
    records = chain(5)
    assert [record.place for _, record in records] == [0, 1, 2, 3, 4]
    assert list(breaks(records, KEY)) == list(breaks(records[2:], KEY)) == list(breaks([], KEY)) == []


def test_what_happens_often_in_a_moment_is_one_record():
    records = chained([REFUSED, REFUSED, Mark("op", "keys.rotate", "allowed"), REFUSED], Link(3, "s"), KEY, NOON)
    assert [(record.action, record.times, record.place) for record in records] == [
        ("token.refuse", 3, 4),
        ("keys.rotate", 1, 5),
    ]
    assert [record.previous for record in records] == ["s", records[0].seal]
    assert list(breaks(enumerate(records), KEY)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"actor_id": "usr_x"},
        {"outcome": "refused"},
        {"subject_id": None},
        {"occurred_at": NOON + timedelta(days=1)},
        {"times": 2},
        {"place": 7},
        {"previous": ""},
        {"event_id": "other"},
    ],
)
def test_a_changed_record_is_found(change):
    records = chain(4)
    offset, record = records[1]
    records[1] = offset, replace(record, **change)
    assert next(breaks(records, KEY)).what == "changed"


def test_a_record_written_without_the_key_is_found():
    records = chain(3)
    forged = chained([REFUSED], end_of(records[-1][1]), b"another key", NOON)
    assert list(breaks([*records, (9, forged[0])], KEY)) == [Broken(9, 3, "changed")]
    plain = replace(forged[0], seal="", place=-1)
    assert list(breaks([*records, (9, plain)], KEY)) == [Broken(9, -1, "not chained")]


def test_a_removed_record_is_found():
    records = chain(5)
    assert list(breaks([*records[:2], *records[3:]], KEY)) == [Broken(6, 3, "removed")]


@given(st.permutations(range(6)))
def test_any_other_order_is_found(order: list[int]):
    records = chain(6)
    moved = [(offset, records[number][1]) for offset, number in enumerate(order)]
    found = list(breaks(moved, KEY))
    assert bool(found) == (order != list(range(6)))


def test_a_repeated_record_is_found():
    records = chain(3)
    assert list(breaks([*records, (9, records[1][1])], KEY)) == [Broken(9, 1, "moved")]
