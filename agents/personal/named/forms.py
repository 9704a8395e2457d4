"""Names that the form tells in which they are written down: "care of", tickets of airlines."""

import re
from collections.abc import Iterator

from agents.personal.reading import Reading
from agents.personal.spans import Span

_NAME = r"[A-ZÀ-Ž][^\W\d_]{1,25}(?:['-][^\W\d_]{1,20})?"
_CARE_OF = re.compile(rf"(?<!\w)(?:[Cc]/[Oo]\.?|[Cc]are of) (?P<name>{_NAME}(?: {_NAME}){{0,3}})(?![\w])")
_TICKET = re.compile(
    r"(?<![\w/])(?P<name>[A-Z]{2,25}/[A-Z]{2,25}(?: [A-Z]{2,20})?) (?:MR|MRS|MS|MISS|MSTR|DR|CHD|INF)(?![\w])"
)


def names_in_forms(reading: Reading) -> Iterator[Span]:
    """As in "c/o Xyxyx" and "XYXYX/ANNA MRS"."""
    for pattern, needed in ((_CARE_OF, ("c/o", "care of")), (_TICKET, ("/",))):
        for match in pattern.finditer(reading.text) if reading.has(*needed) else ():
            yield Span(*match.span("name"), "PERSON", 0.75, "person.form")
