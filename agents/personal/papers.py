"""Passports and driving licences: each state has its own form, so only the words around tell."""

import re
from collections.abc import Iterator

from agents.personal.reading import Reading
from agents.personal.spans import Span

_FEWEST, _FEWEST_DIGITS = 6, 4
_WIDEST, _OTHER_WIDEST = 48, 24
_UNIT = r"(?!\d{1,5}[a-z]{1,20}(?![^\W_]))"
"""Digits with small letters behind are "12th" or "30kg"."""
_NUMBER = re.compile(
    r"(?<![^\W_])(?<!\d[-.,/:])(?<![$€£])(?<![$€£] )"
    r"(?:[A-Z]{5} \d{6} [A-Z\d]{5}(?: \d\d(?![^\W_]))?"
    r"|(?P<letters>[A-Z]{1,2}[ -]|[A-Z]{3,5}-)?" + _UNIT + r"[A-Za-z]{0,5}\d[A-Za-z\d]{0,19}"
    r"(?:-(?:[A-Z]{1,3}(?![^\W_])|" + _UNIT + r"[A-Za-z]{0,3}\d[A-Za-z\d]{0,11})"
    r"|(?<![A-Za-z\d]{8})[ ]" + _UNIT + r"[A-Za-z]{0,3}\d[A-Za-z\d]{1,11}){0,5}+)"
    r"(?![^\W_]|[.,:/]\d|[ ]?[€$£%])"
)
"""Groups that hold digits: words beside a number are no part of it. Eight signs in one piece are all of it."""
_NO_LETTERS = re.compile("A[MNT]|BY|D[LO]|E[MNRST]|I[DMNST]|MY|N[OR]|O[FNR]|SO|TO|U[KMS]|WE")
"""Words and states before a number where everything is in capitals."""
_DATE = re.compile(
    r"(?:[A-Za-z]{3,5}|[A-Z]{1,2} )?(?:19|20)\d\d(?:-(?:19|20)?\d\d)?"
    r"|(?:[A-Z]{1,2} )?(?:(?:19|20)\d\d[- ]?[01]?\d[- ]?[0-3]?\d|[0-3]?\d[- ]?[01]?\d[- ]?(?:19|20)\d\d"
    r"|[0-3]?\d[- ][A-Za-z]{3}[- ](?:19|20)?\d\d)"
    r"|[A-Za-z]{0,5}(?:19|20)\d\d(?: (?:19|20)\d\d)+"
)
_OTHER = re.compile(
    r"\b(?:order|invoice|ticket|tracking|booking|item|sku|price[ds]?|costs?|total|amount|paid|version|flight|room|isbn"
    r"|zip|page|batch|key|phone|call)s?\b[^\d\n]{0,12}\Z",
    re.IGNORECASE,
)
"""What else is counted, right before the number."""
_DRIVER = re.compile(
    r"\b(?:driv\w{2,4}|dln?|f[uü]hrerschein\w{0,8}|permis|licencia|carnet|patente|rijbewijs|prawo|k[oö]rkort"
    r"|my|his|her|their|your|our|holder|no|nr|num|number)\b|#|licen[cs]e: ?\Z",
    re.IGNORECASE,
)
_FORMED = re.compile(r"[A-Z]{1,5}\d{5}|[A-Z]\d{3,4}[ -]\d|[A-Z]{5} ?\d{6}|[A-Z]{2}\d\d \d{4}")


_BRITISH = re.compile(
    r"(?<![^\W_])[A-Z]{1,5}(?:(?<=[A-Z]{5})|(?<![A-Z]{5})9{1,4})\d(?:0[1-9]|1[0-2]|5[1-9]|6[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"\d[A-Z9]{2}[A-HJ-NP-Z\d][A-Z]{2}(?![^\W_])",
    re.IGNORECASE,
)
"""Great Britain's licences have a form of their own: surname, date of birth, initials."""
_BRITISH_SIGNS = 16


def papers(reading: Reading) -> Iterator[Span]:
    """The number itself, without the words that lead to it."""
    for match in _BRITISH.finditer(reading.text):
        if match.end() - match.start() == _BRITISH_SIGNS:
            yield Span(*match.span(), "DRIVER_LICENSE", 0.85, "paper.gb")
    said = reading.clues.any("passport") or reading.clues.any("license")
    for match in _NUMBER.finditer(reading.text) if said else ():
        start, end = match.span()
        letters = match["letters"]
        if letters and _NO_LETTERS.match(letters):
            start += len(letters)
        passport = reading.clues.near("passport", start, end, before=_WIDEST)
        if (passport or _is_licence(reading, start, end)) and _may_be(reading.text, start, end):
            yield Span(start, end, "PASSPORT" if passport else "DRIVER_LICENSE", 0.75, "paper.said")


def _is_licence(reading: Reading, start: int, end: int) -> bool:
    """Programs have licences too: those are nobody's."""
    if not reading.clues.near("license", start, end, before=_WIDEST):
        return False
    around = _DRIVER.search(reading.text, max(0, start - _WIDEST - _OTHER_WIDEST), start)
    return around is not None or _FORMED.match(reading.text, start, end) is not None


def _may_be(text: str, start: int, end: int) -> bool:
    number = text[start:end]
    signs = sum(map(str.isalnum, number))
    return (
        signs >= _FEWEST
        and sum(map(str.isdigit, number)) >= _FEWEST_DIGITS
        and _DATE.fullmatch(number) is None
        and _OTHER.search(text, max(0, start - _OTHER_WIDEST), start) is None
    )
