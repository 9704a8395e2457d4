"""Organisations that say what they are: "Miller & Sons Ltd", "University of Bath"."""

from collections.abc import Iterator

from agents.personal.named.candidate import Candidate
from agents.personal.named.sentence import Sentence
from agents.personal.named.vocabulary import COMPANY_ENDINGS

_MOST_WORDS = 5
_LINKS = frozenset({" ", ", ", " & ", "-", ". "})
_HEADS = frozenset(
    ("university", "bank", "ministry", "department", "institute", "college", "church", "bishop", "hospital")
)


def companies(sentence: Sentence) -> Iterator[Candidate]:
    """By their last word; by their first one and "of"."""
    words = sentence.words
    for at, word in enumerate(words):
        if (
            word.folded in _HEADS
            and word.capital
            and sentence.text.startswith(" of ", word.end)
            and at + 2 < len(words)
        ):
            if words[at + 2].capital:
                yield Candidate(at, at + 2, 0.7)
        elif word.folded in COMPANY_ENDINGS and word.capital:
            first = at
            while first and at - first < _MOST_WORDS and words[first - 1].capital and sentence.gap(first - 1) in _LINKS:
                first -= 1
            if first < at:
                yield Candidate(first, at, 0.8)
