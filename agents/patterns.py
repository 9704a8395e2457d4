"""Personal data with a form of its own, found by pattern and proved by a validator.

Every pattern is bounded, so that no text makes it quadratic. Validators: `phonenumbers` (Google's libphonenumber)
and `python-stdnum` (Luhn, ISO 7064 for IBAN, SSN ranges).
"""

import ipaddress
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import phonenumbers
from stdnum import iban, luhn
from stdnum.us import ssn

PersonalType = Literal["EMAIL", "PHONE", "CARD", "IBAN", "SSN", "IP"]
PERSONAL_TYPES: tuple[PersonalType, ...] = get_args(PersonalType)


@dataclass(frozen=True, slots=True)
class Span:
    """Where something personal stands: half-open, in Unicode code points of the text as given."""

    start: int
    end: int
    type: PersonalType
    score: float


Detector = Callable[[str], Iterator[Span]]

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}(?!\w)")
_SSN = re.compile(r"(?<![\w-])\d{3}[- ]\d{2}[- ]\d{4}(?![\w-])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f:]{2,39}(?:(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])")
_SHORTEST_IBAN = 15


def emails(text: str) -> Iterator[Span]:
    """RFC 5321 mailbox shape with a top-level domain."""
    yield from (Span(m.start(), m.end(), "EMAIL", 1.0) for m in _EMAIL.finditer(text))


_SHORTEST_PHONE = 10


def phones(text: str, region: str = "US") -> Iterator[Span]:
    """Numbers possible under the numbering plan of their country; without a country code, of `region`.

    By itself the library gives up on a text with very many other numbers, and overlooks what follows them.
    """
    leniency = phonenumbers.Leniency.POSSIBLE
    for match in phonenumbers.PhoneNumberMatcher(text, region, leniency, sys.maxsize, _SHORTEST_PHONE):
        digits = sum(character.isdigit() for character in match.raw_string)
        if digits >= _SHORTEST_PHONE:
            yield Span(match.start, match.end, "PHONE", 0.9)


def cards(text: str) -> Iterator[Span]:
    """13 to 19 digits that pass Luhn (ISO/IEC 7812-1)."""
    for match in _CARD.finditer(text):
        if luhn.is_valid(re.sub(r"[ -]", "", match[0])):
            yield Span(match.start(), match.end(), "CARD", 1.0)


def ibans(text: str) -> Iterator[Span]:
    """ISO 13616, with country length and check digits. A word after the number is left out again."""
    for match in _IBAN.finditer(text):
        end = match.end()
        while end - match.start() >= _SHORTEST_IBAN:
            if iban.is_valid(text[match.start() : end]):
                yield Span(match.start(), end, "IBAN", 1.0)
                break
            end = max(text.rfind(" ", match.start(), end), match.start())


def ssns(text: str) -> Iterator[Span]:
    """US social security numbers of an issued range."""
    yield from (
        Span(m.start(), m.end(), "SSN", 0.95) for m in _SSN.finditer(text) if ssn.is_valid(m[0].replace(" ", "-"))
    )


def ip_addresses(text: str) -> Iterator[Span]:
    """IPv4 and IPv6, as the standard library reads them."""
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            candidate = match[0].rstrip(":") if not match[0].endswith("::") else match[0]
            if any(character.isdigit() for character in candidate) and _is_address(candidate):
                yield Span(match.start(), match.start() + len(candidate), "IP", 0.95)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


DETECTORS: dict[PersonalType, Detector] = {
    "EMAIL": emails,
    "PHONE": phones,
    "CARD": cards,
    "IBAN": ibans,
    "SSN": ssns,
    "IP": ip_addresses,
}


def find(text: str, types: tuple[PersonalType, ...] = PERSONAL_TYPES) -> list[Span]:
    """All spans, in order, without overlap: the surer one wins, then the longer."""
    found = [span for type_ in types for span in DETECTORS[type_](text)]
    kept: list[Span] = []
    taken = bytearray(len(text))
    for span in sorted(found, key=lambda s: (-s.score, s.start - s.end, s.start)):
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda s: s.start)
