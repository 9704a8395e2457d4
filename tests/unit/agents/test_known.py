import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.known import Known
from agents.personal.spans import PersonalType, Span


def knowing(*values: tuple[PersonalType, str]) -> Known:
    known = Known()
    for kind, value in values:
        known.add(kind, value)
    return known


def again(text: str, *values: tuple[PersonalType, str]) -> list[str]:
    return [text[one.start : one.end] for one in knowing(*values).added_to([], text)]


def test_the_longer_of_two_values_counts_and_short_ones_do_not():
    values: list[tuple[PersonalType, str]] = [
        *(("PERSON", "Ann"), ("PERSON", "Ann Lee"), ("PASSWORD", "abc"), ("PERSON", "Al"), ("IP", "::")),
    ]
    text = "Ann Lee, Ann, Anna, Lee Ann; abc Al ::"
    assert again(text, *values) == ["Ann Lee", "Ann", "Lee", "Ann"]
    taken = Span(0, 9, "PLACE", 0.9, "test")
    assert [one.start for one in knowing(*values).added_to([taken], text)] == [0, 9, 20, 24]


def test_a_value_may_begin_with_a_sign():
    known = knowing(("PHONE", "+1 650"))
    assert [(one.start, one.end) for one in known.added_to([], "1 650 or (+1 650)")] == [(10, 16)]


@pytest.mark.parametrize(
    ("kind", "value", "text", "expected"),
    [
        ("PERSON", "Zorblax Quenby", "zorblax  quenby, ZORBLAX, Quenby's", ["zorblax  quenby", "ZORBLAX", "Quenby"]),
        ("PERSON", "Dr. Zorblax von Quenby", "the dr. of von zorblax", ["zorblax"]),
        ("PERSON", "Mark Brown", "mark brown, mark the Brown", ["mark brown"]),
        ("PERSON", "Will", "Will, will you?", ["Will"]),
        ("PERSON", "blue dog99", "blue, dog99, Blue Dog99", ["Blue Dog99"]),
        ("PASSWORD", "Hunter2Blue!", "hunter2blue! hunter2blue", ["hunter2blue!"]),
        ("PASSWORD", "Sunshine", "sunshine and Sunshine_", ["Sunshine"]),
        ("PASSWORD", "4471#", "4471, 44710, 44 71, x4471, 4471#", ["4471", "4471#"]),
        (
            "BANK_ACCOUNT",
            "1234 5678",
            "12345678, 1234-5678; 12 34 56 78, 1234. 5678",
            ["12345678", "1234-5678", "12 34 56 78"],
        ),
        ("IBAN", "GB82 WEST 1234 5698 7654 32", "gb82west12345698765432", ["gb82west12345698765432"]),
        ("SSN", "078-05-1120", "078051120 or 1 078 05 1120 9", ["078051120", "078 05 1120"]),
        ("PASSWORD", "correct-horse-12", "correct horse 12, correcthorse12", []),
        ("IP", "192.168.0.11", "192 168 0 11", []),
        ("PLACE", "İnözü Quarter", "İNÖZÜ quarter", ["İNÖZÜ quarter"]),
    ],
)
def test_other_spellings(kind: PersonalType, value: str, text: str, expected: list[str]):
    assert again(text, (kind, value)) == expected


def test_a_value_keeps_its_type_whatever_others_look_like_it():
    known = knowing(
        ("ORG", "WILL"), ("PERSON", "Will"), ("PERSON", "Zork Zork"), ("ORG", "ZORK ZORK"), ("PHONE", "12 34 56")
    )
    text = "Will WILL ZORK ZORK zork zork 123456 1234567890123456789012345678901234567"
    assert [one.type for one in known.added_to([], text)] == ["PERSON", "ORG", "ORG", "PERSON", "PHONE"]


def test_long_values_are_compared_to_their_end():
    verse = " ".join(f"w{number}" for number in range(40))
    assert again(
        f"{verse}, {verse[:-1]}x, {verse}y, {verse.upper()}", ("PASSWORD", verse), ("PASSWORD", verse + "!")
    ) == [
        verse,
        verse.upper(),
    ]


def test_numbers_that_are_in_spans_are_left():
    taken = Span(5, 9, "CARD", 0.9, "test")
    assert knowing(("PHONE", "1234 5678")).added_to([taken], "1234-5678") == [taken]


_WORD = re.compile(r"\w+")


def _slowly(values: list[str], text: str) -> list[tuple[int, int]]:
    """Every value at every word, the longest first."""
    taken = bytearray(len(text))
    found = []
    for word in _WORD.finditer(text):
        for value in sorted(dict.fromkeys(values), key=len, reverse=True):
            first = _WORD.search(value)
            if first is None or first[0] != word[0] or len(value) < 4:
                continue
            start = word.start() - first.start()
            end = start + len(value)
            on = text[end - 1 : end].isalnum() and text[end : end + 1].isalnum()
            if start >= 0 and text.startswith(value, start) and not any(taken[start:end]) and not on:
                taken[start:end] = b"\1" * len(value)
                found.append((start, end))
                break
    return sorted(found)


_SIGNS = st.text("ab1-! ", max_size=60).map(lambda text: re.sub(" +", " ", text))


@given(st.lists(_SIGNS.map(lambda value: value[:9].lstrip("-! ")), max_size=8), _SIGNS, st.lists(st.integers(0, 7)))
def test_the_tree_finds_what_trying_each_value_finds(values: list[str], text: str, where: list[int]):
    text = re.sub(" +", " ", text + " ".join(values[at] for at in where if at < len(values)))
    known = knowing(*(("EMAIL", value) for value in values))
    assert [(one.start, one.end) for one in known.added_to([], text)] == _slowly(values, text)
