"""One model goes on with another's words: no character twice, none missing."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.joint import Joint

WORDS = st.text(alphabet="ab ä\n😀", min_size=0, max_size=12)
BEFORE = st.builds(lambda text: "It was a long beginning:" + text, WORDS)


def chunks(text: str, cuts: list[int]) -> list[str]:
    places = sorted({cut % (len(text) + 1) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(places)]


def joined(before: str, continuation: str, cuts: list[int]) -> str:
    joint = Joint(before)
    return before + "".join(map(joint.take, chunks(continuation, cuts))) + joint.rest()


@given(BEFORE, WORDS, st.lists(st.integers(0, 100)))
def test_who_goes_on_with_the_next_character_is_heard_whole(before: str, after: str, cuts: list[int]):
    whole = before + after
    given_to_model = Joint(before).given
    assert joined(before, whole.removeprefix(given_to_model), cuts) == whole


@given(BEFORE, WORDS, st.lists(st.integers(0, 100)))
def test_who_begins_again_is_not_heard_twice(before: str, after: str, cuts: list[int]):
    whole = before + after
    assert joined(before, whole, cuts) == whole


@given(BEFORE, st.text(alphabet="ab", max_size=5), st.lists(st.integers(0, 100)))
def test_white_space_at_the_joint_is_there_once(before: str, after: str, cuts: list[int]):
    assert joined(before + " \n", "\n" + after, cuts) == before + " \n" + after
    assert joined(before + " ", "x" + after, cuts) == before + " x" + after


@given(WORDS, WORDS, st.lists(st.integers(0, 100)))
def test_without_a_beginning_all_is_new(before: str, after: str, cuts: list[int]):
    assert joined("", before + after, cuts) == before + after


def test_a_short_beginning_may_be_said_again():
    assert joined("ha", " ha", [1]) == "ha ha"
    assert joined("ha", "ha", [1]) == "haha"


@pytest.mark.parametrize(
    ("continuation", "whole"),
    [
        ("It was", "It was a long beginning.It was"),
        ("It was a long beginnin", "It was a long beginning."),
        ("", "It was a long beginning."),
        ("It was a long day", "It was a long beginning.It was a long day"),
    ],
    ids=["too short to be a repetition", "broke off while repeating", "nothing more to say", "another sentence"],
)
def test_what_looks_like_a_repetition(continuation: str, whole: str):
    assert joined("It was a long beginning.", continuation, []) == whole
