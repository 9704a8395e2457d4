"""What a model says by itself passes a gate of its own, piece by piece."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.answers import MASKED, AnswerGate, clear_answer, segment_end
from agents.answers import find_in_answers as find
from agents.personal.spans import PERSONAL_TYPES, Span


def cleared(*pieces: str, before: str = "") -> list[str]:
    gate = AnswerGate(find, before)
    return [*(gate.take(piece) for piece in pieces), gate.finish()]


def test_a_word_goes_on_with_the_space_behind_it():
    assert cleared("Hel", "lo ", "world, I am", "\n", "here") == ["", "Hello ", "world, I ", "am\n", "", "here"]


def test_numbers_wait_for_what_may_belong_to_them():
    said = cleared("on 12 ", "May ", "we", " met 3 ", "of\n", "4 GB", " x")
    assert said == ["on ", "", "", "12 May we met ", "3 of\n", "", "", "4 GB x"]


KINDS = {
    "EMAIL": "jane.doe@example.org",
    "PHONE": "(212) 555-0123",
    "CARD": "4111 1111 1111 1111",
    "IBAN": "GB29 NWBK 6016 1331 9268 19",
    "SSN": "536-22-1234",
    "API_KEY": "ghp_" + "a1B2" * 9,  # nosecret
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",  # nosecret
    "PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----",  # nosecret
    "IP": "203.0.113.77",
    "MAC": "3C:22:FB:4E:12:9A",
    "WALLET": "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",  # nosecret
    "CONNECTION_STRING": "postgres://app:Zx9kk2p@db.example.com:5432/prod",  # nosecret
}
ANNOUNCED = {
    "BANK_ACCOUNT": ("account number ", "12345678"),
    "NATIONAL_ID": ("national insurance number ", "AB 12 34 56 C"),
    "PASSPORT": ("passport number ", "533380006"),
    "DRIVER_LICENSE": ("driver license ", "D1234567"),
    "BIRTH_DATE": ("born on ", "12 March 1979"),
    "PASSWORD": ("password: ", "Hunter2!blue"),  # nosecret
}


def test_all_types_with_a_form_are_masked():
    assert MASKED.types.keys() == {*KINDS, *ANNOUNCED}
    assert {*PERSONAL_TYPES} - MASKED.types.keys() == {"PERSON", "PLACE", "ADDRESS", "ORG"}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 1000])
@pytest.mark.parametrize("kind", ANNOUNCED)
def test_what_words_before_give_away_is_masked_however_it_comes(kind: str, size: int):
    words, value = ANNOUNCED[kind]
    text = f"It is the {words}{value}. So."
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert "".join(cleared(*pieces)) == f"It is the {words}[{kind}]. So."


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 1000])
@pytest.mark.parametrize("kind", KINDS)
def test_every_type_is_masked_however_it_comes(kind: str, size: int):
    text = f"Of course. Write to {KINDS[kind]} or so, now.\nThen: {KINDS[kind]}"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert "".join(cleared(*pieces)) == f"Of course. Write to [{kind}] or so, now.\nThen: [{kind}]"


WORDS = st.sampled_from(
    [
        *(
            "hello ",
            "a ",
            "I ",
            "DE ",
            "GB29 ",
            "NWBK ",
            "6016 ",
            "+",
            "1 ",
            "212 ",
            "555 ",
            "0123",
            "- ",
            "(",
            ") ",
            "\n",
        ),
        *(
            "x@y",
            ".org",
            " ",
            "jane",
            "4111",
            "1111 ",
            "。",
            "雨",
            "-----BEGIN",
            " KEY-----",
            "\nMII",
            "-----END",
            "[EMAIL_1]",
        ),
    ]
)


@given(st.lists(WORDS | st.text(max_size=3), max_size=20), st.data())
def test_in_pieces_it_is_the_same_as_in_one(parts: list[str], data: st.DataObject):
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(cleared(*pieces)) == clear_answer(text, find)


@given(st.lists(WORDS | st.text(max_size=3), max_size=20))
def test_without_personal_data_nothing_changes(parts: list[str]):
    def nothing(_text: str) -> list[Span]:
        return []

    text = "".join(parts)
    assert clear_answer(text, nothing) == text


@given(
    st.lists(st.sampled_from(["so ", "x", "12 ", "3", "DE ", "\n", "雨", "+"]), max_size=30),
    st.text("x1 \n", max_size=8),
)
def test_what_was_decided_stays_whatever_follows(parts: list[str], more: str):
    text = "".join(parts)
    end = segment_end(text, ended=False)
    assert not end or segment_end(text + more, ended=False) == end == segment_end(text + more, ended=True)


def test_names_with_a_digit_are_no_numbers():
    assert cleared("piece0 ", "piece1 ", "[EMAIL_1] ", "x")[:3] == ["piece0 ", "piece1 ", "[EMAIL_1] "]


def test_numbers_without_end_do_not_wait_for_ever():
    gate = AnswerGate(find)
    given_so_far = sum(len(gate.take("12 ")) for _ in range(400))
    assert 400 * 3 - given_so_far <= 420


LONG_KEY = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQ+b/\n" * 1300 + "-----END PRIVATE KEY-----"  # nosecret


@pytest.mark.parametrize("size", [7, 640, 20_000])
@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"Here: {LONG_KEY}\nand on", "Here: [PRIVATE_KEY]\nand on"),
        (f"Here: {LONG_KEY[:-30]}", "Here: [PRIVATE_KEY]"),
        ("Cards: " + ", ".join(["4111 1111 1111 1111"] * 20) + ".", "Cards: " + ", ".join(["[CARD]"] * 20) + "."),
        ("Cards: " + ", ".join(["4111111111111111"] * 40) + ".", "Cards: " + ", ".join(["[CARD]"] * 40) + "."),
        (
            "https://x.org/?" + "a=b&" * 80 + "mail=jane@example.org ok",
            "https://x.org/?" + "a=b&" * 80 + "mail=[EMAIL] ok",
        ),
        ("x" * 700 + " so", "x" * 700 + " so"),
        ("1 " * 170, "1 " * 170),
    ],
    ids=["key", "key without end", "cards in groups", "cards", "address", "letters", "short numbers"],
)
def test_what_goes_on_for_long_is_cut_where_nothing_personal_is(text: str, masked: str, size: int):
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert "".join(cleared(*pieces)) == masked


def test_a_stretch_that_is_one_value_is_cut_all_the_same():
    def all_of_it(text: str) -> list[Span]:
        return [Span(0, len(text), "CARD", 1.0, "test")]

    assert set(clear_answer("12 " * 400, all_of_it).split("]")) == {"[CARD", ""}


def test_a_private_key_is_taken_together():
    key = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQ\n" * 20 + "-----END PRIVATE KEY----- ok "  # nosecret
    gate = AnswerGate(find)
    *within, last = [gate.take(line) for line in key.splitlines(keepends=True)]
    assert within == [""] * 21
    assert last == "[PRIVATE_KEY] ok "


def test_what_was_said_before_is_seen_and_not_said_again():
    def password(text: str) -> list[Span]:
        start = text.find("hunter2")
        return [Span(start, start + 7, "CARD", 1.0, "test")] if "password: " in text and start >= 0 else []

    gate = AnswerGate(password, "Your password: ")
    assert (gate.take("hunter2 "), gate.finish()) == ("[CARD] ", "")


def test_a_plain_word_behind_a_word_that_announces_a_secret_is_looked_at():
    def secret(text: str) -> list[Span]:
        start = text.find("swordfish")
        return [Span(start, start + 9, "CARD", 1.0, "test")] if start >= 0 else []

    assert AnswerGate(secret, "Your password: ").take("swordfish ") == "[CARD] "


def test_what_began_before_is_masked_from_here_on():
    def all_of_it(text: str) -> list[Span]:
        return [Span(0, len(text), "CARD", 1.0, "test")]

    gate = AnswerGate(all_of_it, "4111 ")
    assert (gate.take("1111"), gate.finish()) == ("", "[CARD]")
