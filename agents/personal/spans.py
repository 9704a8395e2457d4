"""What is found, and the one rule by which findings that overlap are settled."""

import re
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Literal, NamedTuple, get_args

PersonalType = Literal[
    "EMAIL",
    "PHONE",
    "CARD",
    "IBAN",
    "BANK_ACCOUNT",
    "SSN",
    "NATIONAL_ID",
    "PASSPORT",
    "DRIVER_LICENSE",
    "BIRTH_DATE",
    "IP",
    "MAC",
    "WALLET",
    "API_KEY",
    "JWT",
    "PRIVATE_KEY",
    "PASSWORD",
    "CONNECTION_STRING",
    "PERSON",
    "PLACE",
    "ADDRESS",
    "ORG",
]
PERSONAL_TYPES: tuple[PersonalType, ...] = get_args(PersonalType)

PROVED = 0.9
"""From this score on a span has been validated by more than its look: it keeps its type against longer ones."""


class Span(NamedTuple):
    """Where something personal stands: half-open, in Unicode code points of the text as given."""

    start: int
    end: int
    type: PersonalType
    score: float
    detector: str


_start = attrgetter("start")
_STANDS_FOR = re.compile(rf"\[(?:{'|'.join(PERSONAL_TYPES)})(?:_\d{{1,6}})?\]")


def settle(text: str, found: Iterable[Span]) -> list[Span]:
    """In order and without overlap. Every letter and digit that was in a span still is in one, but for placeholders.

    Proved spans come first, then longer ones, then surer ones. What sticks out of a span that gives way stays a span.
    """
    kept: list[Span] = []
    taken = bytearray(len(text))
    for match in _STANDS_FOR.finditer(text):
        taken[match.start() : match.end()] = b"\x01" * len(match[0])
    ordered = sorted(found, key=_start)
    starts = [*(span.start for span in ordered[1:]), len(text)]
    touching, reached = [], 0
    for span, following in zip(ordered, starts, strict=bool(ordered)):
        if span.start >= reached and span.end <= following and taken.find(1, span.start, span.end) < 0:
            kept.append(span)  # nothing else is there: most findings
        else:
            touching.append(span)
        reached = max(reached, span.end)
    for span in sorted(touching, key=_strength):
        if taken.find(1, span.start, span.end) < 0:
            kept.append(span)
        elif taken.find(0, span.start, span.end) < 0:
            continue  # all of it stands in others: most of those that touch
        else:
            parts = (_part(text, span, start, end) for start, end in _free(taken, span.start, span.end))
            kept.extend(part for part in parts if part)
        taken[span.start : span.end] = b"\x01" * (span.end - span.start)
    return sorted(kept, key=_start)


def _strength(span: Span) -> tuple[bool, int, float, int, str, str]:
    return (span.score < PROVED, span.start - span.end, -span.score, span.start, span.type, span.detector)


def _part(text: str, span: Span, start: int, end: int) -> Span | None:
    """From the first letter or digit to the last."""
    telling = [at for at in range(start, end) if text[at].isalnum()]
    return Span(telling[0], telling[-1] + 1, span.type, span.score, span.detector) if telling else None


def _free(taken: bytearray, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The stretches of a range that nobody has."""
    while (begin := taken.find(0, start, end)) >= 0:
        stop = taken.find(1, begin, end)
        start = end if stop < 0 else stop
        yield begin, start
