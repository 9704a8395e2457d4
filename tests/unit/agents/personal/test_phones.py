import pytest

from agents.personal.finding import find
from agents.personal.policy import Policy, Rule
from tests.unit.agents.personal.everything import EVERYTHING, found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("They are not answering at 785 8949 now", "785 8949"),
        ("call +1 650-253-0000 now", "+1 650-253-0000"),
        ("it is (650) 253-0000 now", "(650) 253-0000"),
        ("(reach me: 650.253.0000)", "650.253.0000"),
        ("it is (78) 63826-6236 there", "(78) 63826-6236"),
        ("(call 650.253.0000)", "650.253.0000"),
        ("001-234-567-8901x123", "001-234-567-8901x123"),
        ("+49 (0)30 1234567", "+49 (0)30 1234567"),
        ("mob 07700 900123", "07700 900123"),
        ("Tel.: 030/1234567", "030/1234567"),
        ("mein handy: 0171-1234567.", "0171-1234567"),
        ("06 12 34 56 78", "06 12 34 56 78"),
        ("612 345 678", "612 345 678"),
        ("text me 5551234567", "5551234567"),
        ("my number's 6502530000", "6502530000"),
        ("call +49 30 1234 now", "+49 30 1234"),
        ("userPhone=4155550123", "4155550123"),
        ("+999 123 45678", "+999 123 45678"),
        ("+1 1234567890123", "+1 1234567890123"),
        ("٠٣٠ ١٢٣٤٥٦٧", "٠٣٠ ١٢٣٤٥٦٧"),
        ("(030 1234567", "030 1234567"),
        ("txt 2 0 2 5 5 5 0 1 4 7", "2 0 2 5 5 5 0 1 4 7"),
        ("my number is five five five 0 1 9 9", "five five five 0 1 9 9"),
        ("Order: 5512-X\nTel: 01632 960 112", "01632 960 112"),
        ("my line: 7093311", "7093311"),
        ("it is 08012340987 ok", "08012340987"),
        ("ring 020-5550 4417 extn 12", "020-5550 4417 extn 12"),
    ],
)
def test_finds_telephone_numbers(text: str, number: str):
    assert found(text) == [("PHONE", number)]


@pytest.mark.parametrize(
    "text",
    [
        "I paid 1234567 for it",
        "on 2023-01-02 10 people came",
        "01.02.2023",
        "in 2019-2021",
        "$ 650 253 0000",
        "1.234.567.890 inhabitants",
        "order 5551234567",
        "Art. No. 6612 0046 7781",
        "order line 5551234567",
        "ISBN 978-3-16-148410-0",
        "at 1700000000 it broke",
        "1 2 3 4 5 6 7 8 9",
        "one two three four five six seven",
        "my number is " + "one two " * 10,
        "550e8400-e29b-41d4-a716-446655440000",
        "12 345",
        "100 000 000 people",
        "12 345 67 things",
    ],
)
def test_leaves_other_numbers(text: str):
    assert found(text) == []


def test_finds_numbers_in_a_row_of_numbers():
    assert found("030 1234567 4111 1111 1111 1111") == [("PHONE", "030 1234567"), ("CARD", "4111 1111 1111 1111")]
    assert found("1 2 3 4 5 6 7 030 1234567 0171 1234567") == [("PHONE", "030 1234567"), ("PHONE", "0171 1234567")]
    assert found("11 22 33 44 55 66 77 88 99 11 22 33 44 55 66 77 88 99 650-253-0000")[-1] == ("PHONE", "650-253-0000")


def test_numbers_without_a_country_are_those_of_the_regions():
    american = Policy(name="us", regions=("US",), types={"PHONE": Rule()})
    assert found("512 345 678", american) == []
    assert found("512 345 678", american.model_copy(update={"regions": ("US", "PL")})) == [("PHONE", "512 345 678")]
    assert found("123 45 67 890", american.model_copy(update={"regions": ("TA",)})) == []


def test_a_number_after_very_many_others_is_not_overlooked():
    text = "123;" * 70_000 + " +1 415 555 2671"
    assert [span.type for span in find(text, EVERYTHING)] == ["PHONE"]


def test_where_proofs_run_out_the_look_is_enough():
    """A country that does not exist is found out only as long as there is time."""
    many = find("+999 1234567, " * 500, EVERYTHING)
    assert len(many) == 500
    assert (many[0].score, many[-1].score) == (0.6, 0.9)


@pytest.mark.parametrize(
    ("before", "number", "behind"),
    [
        ("60 " * 8, "0171 4123456", ""),
        ("60 " * 3000, "030 1234567", ", 60" * 10),
        ("34 56 " * 40, "(212) 555-0142", ", 60 60"),
        ("411 " * 40, "+44 20 7946 0958", ""),
        ("12-34 " * 40, "212-555-0142", ", 12-34" * 20),
        ("0 91 999 " * 20, "212-555-0142", ""),
        ("55 " * 40, "0171 4123456", ""),
        ("0-123 " * 40, "212-555-0142", ", 0-123" * 20),
        ("1-2-3-4-5-6-7-8-9-1-2 " * 3, "0171 4123456", ""),
        ("01-02-2024 " * 20, "212-555-0142", ""),
        ("11 22 33 44 55 66 ", "0171 4123456  x12", ""),
    ],
)
def test_a_number_within_a_row_of_short_ones_is_found(before: str, number: str, behind: str):
    text = before + number + behind
    assert [(span.type, text[span.start : span.end]) for span in find(text, EVERYTHING)] == [("PHONE", number)]
