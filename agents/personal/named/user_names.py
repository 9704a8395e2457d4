"""Names in user names: "henrik.larsen", "anna_miller88"."""

import re
from collections.abc import Iterator

from agents.personal.named.listed import Listed
from agents.personal.named.vocabulary import NO_NAMES
from agents.personal.spans import Span

_USER = re.compile(
    r"(?<![\w./@\\:%$-])@?(?P<first>[A-Za-z]{3,20})(?P<sign>[._])(?P<second>[A-Za-z]{3,25})\d{0,4}(?![\w@/(=\[-]|\.\w)"
)
_SHORTEST_UNKNOWN = 5


def user_names(text: str, listed: Listed) -> Iterator[Span]:
    """A known given name, and another name behind it; behind a full stop one that is no English word."""
    for match in _USER.finditer(text) if "." in text or "_" in text else ():
        first, second = match["first"].lower(), match["second"].lower()
        if not listed.given.get(first) or first in listed.words or not {first, second}.isdisjoint(NO_NAMES):
            continue
        if second in listed.words:
            meant = match[0].startswith("@") or match[0][-1].isdigit() or second != match["second"]
            named = meant and listed.surnames.get(second, False)
        else:
            known = second in listed.surnames or second in listed.given
            named = known or (match["sign"] == "." and len(second) >= _SHORTEST_UNKNOWN)
        if named:
            yield Span(match.start("first"), match.end(), "PERSON", 0.6, "person.user")
