import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.patterns import PERSONAL_TYPES, find

FOUND = [
    ("write to jane.doe+x@example.co.uk today", "EMAIL", "jane.doe+x@example.co.uk"),
    ("call +1 650-253-0000 now", "PHONE", "+1 650-253-0000"),
    ("call (650) 253-0000 now", "PHONE", "(650) 253-0000"),
    ("card 4111 1111 1111 1111.", "CARD", "4111 1111 1111 1111"),
    ("card 5500-0000-0000-0004", "CARD", "5500-0000-0000-0004"),
    ("pay to DE89 3704 0044 0532 0130 00 please", "IBAN", "DE89 3704 0044 0532 0130 00"),
    ("GB82WEST12345698765432", "IBAN", "GB82WEST12345698765432"),
    ("ssn 536-90-4399.", "SSN", "536-90-4399"),
    ("host 192.168.17.4 is down", "IP", "192.168.17.4"),
    ("host 2001:db8::8a2e:370:7334 is down", "IP", "2001:db8::8a2e:370:7334"),
]
NOT_FOUND = [
    "the time is 12:30:45 today",
    "version 1.2.3.4.5 is out",
    "card 4111 1111 1111 1112",
    "DE00 3704 0044 0532 0130 00",
    "ssn 000-12-3456",
    "999.999.999.999",
    "std::vector and a::b",
    "user@localhost",
    "I paid 1234567 for it",
    "call +49 30 1234 now",
    "",
]


@pytest.mark.parametrize(("text", "kind", "value"), FOUND)
def test_finds(text: str, kind: str, value: str):
    assert [(s.type, text[s.start : s.end]) for s in find(text)] == [(kind, value)]


@pytest.mark.parametrize("text", NOT_FOUND)
def test_leaves_alone(text: str):
    assert find(text) == []


def test_takes_only_the_asked_types():
    assert find("a@b.com 192.168.0.1", ("IP",))[0].type == "IP"


def test_what_two_detectors_find_counts_once():
    assert len(find("a@b.com", ("EMAIL", "EMAIL"))) == 1


@given(st.text(max_size=200))
def test_spans_are_ordered_disjoint_and_inside(text: str):
    position = 0
    for span in find(text):
        assert position <= span.start < span.end <= len(text)
        position = span.end


@pytest.mark.parametrize("unit", ["a", "a@", "1 ", "1-", "a.b@c.", "::", "DE12 ", "+1", "(", "1.", "@.", "٣"])
def test_hostile_text_is_not_quadratic(unit: str):
    """Ten times the text may cost some thirty times the CPU, far from a hundred."""

    def cost(length: int) -> float:
        text = (unit * length)[:length]
        begun = time.process_time()
        find(text, PERSONAL_TYPES)
        return time.process_time() - begun

    cost(100)
    assert cost(10_000) < 30 * max(cost(1_000), 0.002)


def test_a_number_after_very_many_others_is_not_overlooked():
    text = "123;" * 70_000 + " +1 415 555 2671"
    assert [span.type for span in find(text, ("PHONE",))] == ["PHONE"]
