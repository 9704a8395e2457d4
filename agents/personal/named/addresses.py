"""Where people live and get their post: street and number in the orders of several countries, post codes, boxes."""

from collections.abc import Iterator

from agents.personal.named.address_forms import address_forms
from agents.personal.named.behind_street import behind_street
from agents.personal.named.envelopes import envelopes
from agents.personal.named.said_addresses import said_addresses
from agents.personal.named.street_search import Streets
from agents.personal.named.streets import FLATS
from agents.personal.reading import Reading
from agents.personal.spans import Span

_SURE = 0.6
"""Above it, what stands behind is looked at, too."""


def addresses(reading: Reading) -> Iterator[Span]:
    """Streets with their numbers, well-known kinds of street with a name; what has a form of its own."""
    text = reading.text
    found_to: set[int] = set()
    followed: set[int] = set()
    flats = bytearray(len(text))
    for span in address_forms(reading):
        yield span
        found_to.add(span.end)
        if span.detector == "address.units":
            flats[span.start : span.end] = b"\x01" * (span.end - span.start)
        if span.type == "ADDRESS" and span.score > _SURE and span.end not in followed:
            followed.add(span.end)
            yield from behind_street(text, span.end, span.score)
    yield from said_addresses(reading)
    for span in envelopes(reading) if "\n" in text else ():
        yield span
        followed.add(span.end)
    streets = Streets(text)
    for at, word in enumerate(streets.words):
        if word.end in found_to or (word.folded in FLATS and flats[word.start]):
            continue
        for first, last, score, detector in streets.at(at):
            start, end = streets.words[streets.from_number(first)].start, streets.to_end(last)
            yield Span(start, end, "ADDRESS", score, detector)
            if score > _SURE and end not in followed:
                followed.add(end)
                yield from behind_street(text, end, score)
