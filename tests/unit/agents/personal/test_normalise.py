from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.personal.normalise import normalise


@pytest.mark.parametrize(
    ("given_text", "meant"),
    [
        ("plain", "plain"),
        ("a%40b", "a@b"),
        ("a%2540b", "a@b"),
        ("100% of %zz", "100% of %zz"),
        ("j%C3%BCrgen", "jürgen"),
        ("%E2%82%AC5", "€5"),
        ("%F0%9F%98%80", "😀"),
        ("%FF%C3x", "%FF%C3x"),
        ("a&#64;b&#x40;c&commat;d&amp;#64;e", "a@b@c@d@e"),
        ("&nosuchthing;", "&nosuchthing;"),
        (r"a\u0040b\x40c\nd\te", "a@b@c\nd\te"),
        ("e\u0301 1\u0336 q\u0301\u0302", "é 1 q"),
        ("\u0301x", "\u0301x"),
        ("हिन्दी", "हिन्दी"),
        ("a\u200bb\u00adc\ufe0f", "abc"),
        ("a\u00a0b\u2003c\u2028d", "a b c\nd"),
        ("1\u20112\u22123", "1-2-3"),
        ("٣५７²❶", "35721"),
        ("🅐🄱🅲🇩", "ABCD"),
        ("ﬁ ℌ ｆ", "fi H f"),
        ("it’s “so”", 'it\'s "so"'),
        ("p\u0430yp\u0430l Москва", "paypal Москва"),
        ("\u0131ꜱ", "is"),
    ],
)
def test_reads_what_is_meant(given_text: str, meant: str):
    assert normalise(given_text).text == meant


@given(
    st.text(max_size=80)
    | st.lists(st.sampled_from(["%4", "0", "%40", "&#", "64;", "\\u00", "40", "é", "\u0301", "ﬁ", " "])).map("".join)
)
def test_the_way_back_is_in_order_and_inside(text: str):
    normalised = normalise(text)
    places = [normalised.back(at, at + 1) for at in range(len(normalised.text))]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(places))


def test_a_range_covers_all_it_was_made_of():
    normalised = normalise("x e\u0301%40y")
    assert normalised.text == "x é@y"
    assert normalised.back(2, 4) == (2, 7)
