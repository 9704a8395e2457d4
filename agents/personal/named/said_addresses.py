"""Streets that no list knows, where the sentence says that an address comes: "taxi to Skärpinge 61, Stöde 86013"."""

import re
from collections.abc import Iterator

from agents.personal.reading import Reading
from agents.personal.spans import PersonalType, Span

_SAY = tuple("addres addrress liv sen ship deliver taxi cab mov billing meet pick".split())  # noqa: SIM905
_WORDS = r"[^\W\d_][\w'\u2019.-]{0,25}(?: [^\W\d_][\w'\u2019.-]{0,25}){0,4}"
_HOUSE = r"\d{1,5}(?: ?[A-Za-z](?![\w]))?(?:/\d{1,4}[A-Za-z]?)?\.?"
_SAID = re.compile(
    r"(?<![^\W_])(?:addr?r?ess(?:es)?|liv(?:e|es|ed|ing)|sen[dt]|ship(?:ped|ping)?|deliver(?:y|ed|ing)?|taxi|cab"
    r"|mov(?:e[ds]?|ing)|billing|meet(?:ing)?|pick(?:ed)?)(?![^\W_])"
    r"[^\n.?!:]{0,50}?(?:(?<= )(?:is|are|to|at|in|with|from|into)|:)\s{1,2}"
    rf"(?P<street>(?!(?:is|are|to|at|in|with|from|into) ){_WORDS},? {_HOUSE}|{_HOUSE},? {_WORDS}),[ \n]"
    rf"(?:(?P<before>\d{{4,6}}|\d{{2,3}}[ -]\d{{2,3}}) (?P<town>{_WORDS})"
    rf"|(?P<place>{_WORDS}(?: \d)?) (?P<code>\d{{2,3}}[ -]\d{{2,3}}|\d{{3,6}}|[A-Z]\d[A-Z] ?\d[A-Z]\d))"
    r"(?![^\W_]|[.,]\d)",
    re.IGNORECASE,
)
_PARTS: tuple[tuple[str, PersonalType], ...] = (
    *(("street", "ADDRESS"), ("before", "ADDRESS"), ("town", "PLACE"), ("place", "PLACE"), ("code", "ADDRESS")),
)


def said_addresses(reading: Reading) -> Iterator[Span]:
    """Street with number, town with code. Linear: the pattern is bounded."""
    for match in _SAID.finditer(reading.text) if reading.has(*_SAY) else ():
        for name, kind in _PARTS:
            if match[name] is not None:
                yield Span(*match.span(name), kind, 0.66, "address.said")
