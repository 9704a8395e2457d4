"""What was called a password or a number once, and stands in the text again without these words."""

import re
from collections.abc import Iterable, Iterator

from agents.personal.spans import PersonalType, Span

_TYPES: frozenset[PersonalType] = frozenset(
    ("PASSWORD", "API_KEY", "PASSPORT", "DRIVER_LICENSE", "NATIONAL_ID", "SSN", "BANK_ACCOUNT", "PHONE", "CARD")
)
_WORD = re.compile(r"\S{5,200}")
_AROUND = ".,;:!?()[]{}<>\"'"
_SHORTEST = 6
_SURE = 0.5


def repeated(text: str, found: Iterable[Span]) -> Iterator[Span]:
    """Whole words with a digit or a sign only: other passwords are words. Linear."""
    known = {
        text[span.start : span.end]: span
        for span in found
        if span.type in _TYPES and span.score >= _SURE and span.end - span.start >= _SHORTEST
    }
    known = {value: span for value, span in known.items() if not value.isalpha()}
    for match in _WORD.finditer(text) if known else ():
        word = match[0]
        value = word.strip(_AROUND)
        span = known.get(word) or known.get(value)
        if span is not None:
            start = match.start() + (word.find(value) if word not in known else 0)
            yield Span(start, start + (span.end - span.start), span.type, span.score, f"{span.detector}.again")
