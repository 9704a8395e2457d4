"""What a model says by itself passes a gate of its own, piece by piece."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.answers import MASKED, AnswerGate, clear_answer, segment_end
from agents.answers import find_in_answers as find
from agents.personal.spans import Span


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
}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 1000])
@pytest.mark.parametrize("kind", MASKED.types)
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
    assert 400 * 3 - given_so_far <= 300


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
