"""What stands behind a street: post code, town, region, country."""

import re
from collections.abc import Iterator

from agents.personal.named.listed import fold
from agents.personal.named.vocabulary import BEFORE_TOWN, NO_NAMES
from agents.personal.spans import PersonalType, Span

_TOWN = (
    r"[A-ZÀ-Ž][^\W\d_]+"
    r"(?:[ -](?:(?:de|la|el|am|an|der|del|di|upon|on|sur|les|im|bei|ob|nad|in)[ -]){0,2}[A-ZÀ-Ž][^\W\d_]+){0,3}"
)
_NEXT_PART = (
    r"(?:\.?,? ?\n{1,2}[ >\t]{0,6}(?:, )?|, ?| (?=\d|[A-Z]{2}(?![^\W_])"
    r"|[A-ZÀ-Ž][^\W\d_]{1,25}(?: [A-ZÀ-Ž][^\W\d_]{1,25})?"
    r" (?:- )?\d{5,6}(?![\w])|" + _TOWN + r"\.?(?:[,;]|\s*(?:\n|\Z)))|; ?|\t| - )"
)
_TOWN_AFTER = re.compile(
    _NEXT_PART + r"(?:(?P<code>(?:[A-Z]{1,2}-)?\d{2,5}(?:[ -]\d{2,4})?(?: [A-Z]{2}(?= ))?) )?(?P<town>" + _TOWN + ")"
)
_PART_AFTER = re.compile(
    _NEXT_PART
    + r"(?:(?P<code>\d{4,6}(?:-\d{3,4})?)(?![^\W_])|(?P<town>[A-Z]{2,3}(?![^\W_])|"
    + _TOWN
    + r"(?= \d{4,6}(?![^\W_])|\.?[ ]?(?:\n|\Z)|[.?!,;]))(?: (?P<behind>\d{4,6}(?:-\d{3,4})?)(?![^\W_]))?)"
)
"""What goes on behind the town: region, country, code. A word must be the last one there, or have a code behind it."""
_MOST_PARTS = 3
_BEHIND: tuple[tuple[str, PersonalType], ...] = (("code", "ADDRESS"), ("town", "PLACE"), ("behind", "ADDRESS"))


def behind_street(text: str, end: int, score: float) -> Iterator[Span]:
    """Town, region, country and codes that follow a street."""
    part = _TOWN_AFTER.match(text, end) or _PART_AFTER.match(text, end)
    for _ in range(_MOST_PARTS):
        if part is None:
            return
        groups = part.groupdict()
        if _is_no_place(groups.get("town")):
            return
        for group, kind in _BEHIND:
            if groups.get(group):
                yield Span(*part.span(group), kind, score, "address.town")
        part = _PART_AFTER.match(text, part.end())


def _is_no_place(town: str | None) -> bool:
    """As "Thanks" in the line below."""
    first = fold((town or "").partition(" ")[0])
    return first in NO_NAMES and first not in BEFORE_TOWN
