import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.personal.finding import find
from agents.personal.policy import Policy, Rule
from agents.personal.spans import Span, settle
from tests.unit.agents.personal.everything import EVERYTHING, found


def only(*kinds, **rule) -> Policy:
    return Policy(name="x", types={kind: Rule(**rule) for kind in kinds})


def test_takes_only_the_asked_types():
    assert found("a@b.com 192.168.0.1", only("IP")) == [("IP", "192.168.0.1")]


def test_takes_only_what_is_sure_enough():
    assert found("a@b.com", only("EMAIL", from_score=1)) == [("EMAIL", "a@b.com")]
    assert found("a at b dot com", only("EMAIL", from_score=0.9)) == []


def test_offsets_are_those_of_the_text_as_given():
    text = "😀 ﬁ jane%40example.com e\u0301"
    [span] = find(text, EVERYTHING)
    assert text[span.start : span.end] == "jane%40example.com"
    assert span.detector == "email"


@given(st.text(max_size=200))
def test_spans_are_ordered_disjoint_and_inside(text: str):
    position = 0
    for span in find(text, EVERYTHING):
        assert position <= span.start < span.end <= len(text)
        position = span.end


def test_placeholders_are_never_found():
    assert found("password: [PASSWORD_1], call [PHONE_2] [CARD]") == []


SPANS = st.lists(
    st.builds(
        lambda start, length, kind, score: Span(start, start + length, kind, score, "d"),
        st.integers(0, 20),
        st.integers(1, 10),
        st.sampled_from(["EMAIL", "PHONE", "CARD"]),
        st.sampled_from([0.5, 0.8, 0.95]),
    ),
    max_size=8,
)


@given(SPANS)
def test_settling_covers_exactly_what_was_found(spans: list[Span]):
    text = "abcdefghijklmnopqrstuvwxyzabcd"
    settled = settle(text, spans)
    assert {at for span in settled for at in range(span.start, span.end)} == {
        at for span in spans for at in range(span.start, span.end)
    }
    assert sum(span.end - span.start for span in settled) == len({a for s in spans for a in range(s.start, s.end)})
    assert settle(text, reversed(spans)) == settled


def test_what_is_proved_keeps_its_type_and_the_rest_stays_found():
    long, proved = Span(0, 10, "PHONE", 0.6, "a"), Span(3, 6, "CARD", 0.95, "b")
    assert [(s.start, s.end, s.type) for s in settle("abcdefghij", [long, proved])] == [
        (0, 3, "PHONE"),
        (3, 6, "CARD"),
        (6, 10, "PHONE"),
    ]


def test_what_sticks_out_and_says_nothing_is_dropped():
    assert settle("(abc) ", [Span(0, 6, "PHONE", 0.6, "a"), Span(1, 4, "CARD", 0.95, "b")]) == [
        Span(1, 4, "CARD", 0.95, "b")
    ]


HOSTILE = [
    *(
        "a",
        "a@",
        "1 ",
        "1-",
        "a.b@c.",
        "::",
        "DE12 ",
        "+1",
        "(",
        "1.",
        "@.",
        "٣",
        "é",
        "a\u0301",
        "%40",
        "&#64;",
        "\\n",
    ),
    *("password ", "password: ", "eyJ", "eyJa.", "-----BEGIN PRIVATE KEY-----", "://a:", "tel 030 123 4567 ", "x=;"),
    *("612 345 678 ", "GB82 WEST ", "a at b dot ", "seed phrase abc ", "11 11 ", "A1 ", "4111 1111 1111 1111 ", "%25"),
    *("token: a1", "sk-", "bc1q", "born 1.1.1 ", "server=;", "AAAA", "a [at] ", "1(", "0x", "&amp;", "%", "user=a;"),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_is_searched_to_its_end(unit: str):
    """What it costs is measured in `benchmarks/`."""
    text = unit * 200 + "\n\nwrite to jane@example.com"
    assert find(text, EVERYTHING)[-1].end == len(text)
