"""Numbers as people write them, in groups: stretches of a text that could be one number, by their shape."""

import re
from functools import cache
from itertools import pairwise

_ATOM = re.compile(r"[A-Za-z0-9]+")
_LETTER = re.compile(r"[^\W\d_]")
_BETWEEN = frozenset((" ", "-", ".", "/", "(", ") ", " (", " - ", ")-", " / "))
_SHAPE = str.maketrans("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "9" * 10 + "A" * 52)
_ENDS_WITH_NUMBER = re.compile(r"\d[ ./-]\Z")
_BEGINS_WITH_NUMBER = re.compile(r"[ ./-]\d")
_MOST_ATOMS = 7

Stretch = tuple[int, int]
_Atom = tuple[int, int, str, bool]
"""Start, end, shape, and whether the next one may belong to the same number."""


def stretches(text: str, shapes: frozenset[str]) -> dict[str, list[Stretch]]:
    """Of at most seven groups, one of them with a digit, whose shape is one of these. Linear.

    A shape has `9` for a digit, `A` for a letter and nothing for what stands between.
    """
    found: dict[str, list[Stretch]] = {}
    begun = _beginnings(shapes)
    atoms = _atoms(text)
    for first, (start, ends, of_first, joins) in enumerate(atoms):
        if of_first not in begun or ("9" not in of_first and not (joins and "9" in atoms[first + 1][2])):
            continue
        end, shape, joined = ends, of_first, joins
        following, most = first, first + _MOST_ATOMS - 1
        while True:
            if shape in shapes:
                found.setdefault(shape, []).append((start, end))
            if not joined or following == most:
                break
            following += 1
            _, end, more, joined = atoms[following]
            shape += more
            if shape not in begun:
                break
    return found


@cache
def _beginnings(shapes: frozenset[str]) -> frozenset[str]:
    return frozenset(shape[:length] for shape in shapes for length in range(1, len(shape) + 1))


def stands_alone(text: str, stretch: Stretch) -> bool:
    """No other number stands right beside it, as if both were one."""
    start, end = stretch
    return not (_ENDS_WITH_NUMBER.search(text, max(0, start - 2), start) or _BEGINS_WITH_NUMBER.match(text, end))


def _atoms(text: str) -> list[_Atom]:
    """Parts of words with letters beyond ASCII are none."""
    places = [match.span() for match in _ATOM.finditer(text)]
    if not text.isascii():
        places = [place for place in places if not _touches(text, place[0] - 1) and not _touches(text, place[1])]
    joined = [*(text[one[1] : other[0]] in _BETWEEN for one, other in pairwise(places)), False]
    return [
        (start, end, text[start:end].translate(_SHAPE), j)
        for (start, end), j in zip(places, joined, strict=bool(places))
    ]


def _touches(text: str, position: int) -> bool:
    return 0 <= position < len(text) and not text[position].isascii() and _LETTER.match(text[position]) is not None
