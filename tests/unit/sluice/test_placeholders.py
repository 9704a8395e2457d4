"""Placeholders and their values: loose reading, and one law for every way to cut a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.placeholders import (
    Restorer,
    decode_values,
    encode_values,
    find_placeholders,
    placeholder,
    restore,
    show_none,
)
from sluice.safe_text import Sealed

VALUES = {
    "[EMAIL_1]": "jane@example.org",
    "[EMAIL_12]": "joe@example.org",
    "[API_KEY_1]": "sk-1",  # nosecret
    "[PERSON_2]": "[EMAIL_1]",
}


@pytest.mark.parametrize(
    "form",
    [
        "[EMAIL_1]", "[email_1]", "[Email 1]", "[EMAIL-1]", "<EMAIL_1>", "(EMAIL_1)", "{EMAIL_1}", r"\[EMAIL\_1\]",
        r"[EMAIL\_1]", "EMAIL_1", "[ EMAIL_1 ]", "[EMAIL_01]",
    ],
)  # fmt: skip
def test_models_write_it_in_many_ways(form: str):
    assert restore(f"Ask **{form}**, now.", VALUES) == "Ask **jane@example.org**, now."


@pytest.mark.parametrize(
    "text",
    [
        "[EMAIL_2]",
        "[EMAIL_]",
        "[email_1",
        "MY_EMAIL_1",
        "EMAIL_1a",
        "email_1",
        "[EMAIL_1234567]",
        "[a link](1)",
        "<b 1>",
    ],
)
def test_what_is_none_or_has_no_value_stays(text: str):
    assert restore(text, VALUES) == text


def test_type_names_of_several_words_and_long_numbers():
    assert restore("[API_KEY_1] and [EMAIL_12]", VALUES) == "sk-1 and joe@example.org"


def test_a_value_is_not_read_again():
    assert restore("[PERSON_2]", VALUES) == "[EMAIL_1]"


def test_where_they_stand():
    assert find_placeholders("Ask <email 1>!") == [(4, 13, "[EMAIL_1]")]
    assert placeholder("EMAIL", 1) == "[EMAIL_1]"


PIECES = st.lists(
    st.sampled_from(
        ["[", "]", "<", ">", "(", ")", "\\", "_", "-", " ", "\n", "EMAIL", "EMA", "IL", "email", "API_KEY", "API",
         "1", "2", "12", "[EMAIL_1]", "EMAIL_1", "[email 12]", "é", "x", "A", "*", "PERSON_2"]
    )
    | st.text(max_size=3),
    max_size=12,
)  # fmt: skip


@given(PIECES)
def test_in_pieces_it_is_the_same_as_in_one(pieces: list[str]):
    restorer = Restorer(VALUES)
    shown = [restorer.take(piece) for piece in pieces] + [restorer.finish()]
    assert "".join(shown) == restore("".join(pieces), VALUES)


@given(PIECES, PIECES)
def test_what_is_given_depends_on_the_text_and_not_on_the_cuts(first: list[str], second: list[str]):
    text = "".join(first) + "".join(second)
    cut, whole, single = Restorer(VALUES), Restorer(VALUES), Restorer(VALUES)
    in_two = cut.take("".join(first)) + cut.take("".join(second))
    assert in_two == whole.take(text) == "".join(single.take(character) for character in text)


def test_little_is_kept_back():
    restorer = Restorer(VALUES)
    assert restorer.take("Well, [see here](") == "Well, [see here]"
    assert restorer.take("http://x) and [EM") == "(http://x) and "
    assert restorer.take("AIL_1]! I") == "jane@example.org! "
    assert restorer.take(" am") == "I am"
    assert (restorer.take(" [EMAIL_1"), restorer.finish(), restorer.finish()) == (" ", "[jane@example.org", "")


def test_without_a_key_no_value_is_shown():
    assert show_none(Sealed(b"map"), "usr_1") == {}


def test_maps_as_they_are_sealed():
    assert decode_values(encode_values(VALUES)) == VALUES
