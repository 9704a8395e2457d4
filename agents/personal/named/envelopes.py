"""Addresses as they stand on an envelope: a line for the flat, and what the lines around it are by that."""

import re
from collections.abc import Iterator

from agents.personal.named.streets import FLATS, SMALL
from agents.personal.reading import Reading
from agents.personal.spans import PersonalType, Span

_MARGIN = r"[ \t>?*|]{0,8}"
_ENVELOPE = re.compile(
    rf"(?<=\n){_MARGIN}(?P<flat>(?:apt|apartment|suite|ste|unit|flat|floor|room)\.? ?\#?\d{{1,5}}[a-z]?),?[ ]?(?=\n|\Z)"
    rf"(?:\n{_MARGIN}(?P<town>[^\W\d_][^\n\d,:@]{{1,40}}?),?[ ]?(?=\n|\Z)"
    rf"(?:\n{_MARGIN}(?:, ?(?P<region>[^\W\d_]{{2,20}})[ ]?(?:\n{_MARGIN}|(?=\n|\Z)))?"
    r"(?:(?P<country>[^\W\d_][^\n\d,:@]{1,40}?)[ ])?(?P<code>\d{4,6}(?:-\d{3,4})?)(?![^\W_]))?)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![^\W_])\d{1,6}(?P<first>[a-z]?(?:[/-]\d{1,4})?,? [^\W\d_])?", re.IGNORECASE)
_LONGEST_LINE = 80
_PARTS: tuple[tuple[str, PersonalType], ...] = (
    *(("flat", "ADDRESS"), ("town", "PLACE"), ("region", "PLACE"), ("country", "PLACE"), ("code", "ADDRESS")),
)


def envelopes(reading: Reading) -> Iterator[Span]:
    """The line before is the street, if it has a number. Linear."""
    text = reading.text
    for match in _ENVELOPE.finditer(text):
        street = _street(text, match.start() - 1)
        if street is None:
            continue
        yield Span(*street, "ADDRESS", 0.66, "address.envelope")
        for name, kind in _PARTS:
            if match[name]:
                yield Span(*match.span(name), kind, 0.66, "address.envelope")


def _street(text: str, end: int) -> tuple[int, int] | None:
    """In the line that ends there: from its number on, or from the capitals before a number that is its last."""
    begin = max(text.rfind("\n", max(0, end - _LONGEST_LINE), end) + 1, end - _LONGEST_LINE, 0)
    number = _NUMBER.search(text, begin, end)
    if number is None:
        return None
    if number["first"]:
        return number.start(), end
    words = text[begin : number.start()].split(" ")[:-1]
    first = len(words)
    while first and (words[first - 1][:1].isupper() or words[first - 1] in SMALL):
        first -= 1
    name = sum(len(word) + 1 for word in words[first:])
    return None if not name or words[first].lower().rstrip(".") in FLATS else (number.start() - name, end)
