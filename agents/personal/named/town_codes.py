"""Post codes that only the town beside them tells: "1051 Budapest", "Pune 411001", "Praha 1"."""

import re
from collections.abc import Iterable, Iterator

from agents.personal.spans import Span

_BEFORE = re.compile(
    r"(?:(?:\A|[,;\n(|\"'] ?)(?:[A-Z]{1,2}-)?(?P<apart>\d{4,5})"
    r"|(?<![\w.,/$€£-])(?:[A-Z]{1,2}-)?(?P<inside>(?!19|20)\d{4}|\d{5})) \Z"
)
_AFTER = re.compile(
    r",? (?:- ?)?(?P<code>[1-9]\d{2} ?\d{3}|\d{5}|(?!19|20)\d{4}|\d{3}-\d{4}|\d{1,2}(?:er|e|ème|eme)?|[A-ZÆØÅ])"
    r"(?=[.!?]?(?:\s*(?:\Z|\n)|[,;|\"')]))"
)
_WIDEST = 10
_LONG = 3
_DIVIDED = frozenset(
    """praha prague wien vienna dublin paris lyon marseille budapest bratislava bucurești bucharest københavn glasgow
    graz brno warszawa""".split()  # noqa: SIM905
)
"""Towns whose parts have numbers or letters."""


def town_codes(text: str, found: Iterable[Span]) -> Iterator[Span]:
    """A year stands before a town, too: it is a code only at the beginning of a line or behind a comma."""
    for span in found:
        if span.type != "PLACE":
            continue
        before = _BEFORE.search(text, max(0, span.start - _WIDEST), span.start)
        if before is not None:
            start, end = before.span("apart" if before["apart"] else "inside")
            yield Span(start, end, "ADDRESS", 0.6, "address.code")
        after = _AFTER.match(text, span.end)
        if after and (len(after["code"]) > _LONG or text[span.start : span.end].lower() in _DIVIDED):
            yield Span(*after.span("code"), "ADDRESS", 0.6, "address.code")
