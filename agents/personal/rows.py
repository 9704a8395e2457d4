"""Numbers as people write them, in groups: every stretch of a text that could be one number, by its shape."""

import re
from itertools import pairwise

_ATOM = re.compile(r"[A-Za-z0-9]+")
_LETTER = re.compile(r"[^\W\d_]")
_BETWEEN = frozenset((" ", "-", ".", "/", "(", ") ", " (", " - ", ")-", " / "))
_SHAPE = str.maketrans("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "9" * 10 + "A" * 52)
_ENDS_WITH_NUMBER = re.compile(r"\d[ ./-]\Z")
_BEGINS_WITH_NUMBER = re.compile(r"[ ./-]\d")
_MOST_ATOMS, _SHORTEST, _LONGEST = 7, 6, 20
_LONGEST_PREFIX = 6

Stretch = tuple[int, int]
_Atom = tuple[int, int, str, bool]
"""Start, end, shape, and whether the next one may belong to the same number."""


def stretches(text: str) -> dict[str, list[Stretch]]:
    """Of at most seven groups and 20 letters and digits, one of them a digit. Linear.

    A shape has `9` for a digit, `A` for a letter and nothing for what stands between.
    """
    found: dict[str, list[Stretch]] = {}
    atoms = _atoms(text)
    for first, (start, ends, of_first, joins) in enumerate(atoms):
        end, shape, joined = ends, of_first, joins
        digits = "9" in shape
        if not digits and (not joined or len(shape) > _LONGEST_PREFIX or "9" not in atoms[first + 1][2]):
            continue
        if digits and _SHORTEST <= len(shape) <= _LONGEST:
            found.setdefault(shape, []).append((start, end))
        following, most = first, first + _MOST_ATOMS - 1
        while joined and following < most:
            following += 1
            _, end, more, joined = atoms[following]
            shape += more
            if len(shape) > _LONGEST:
                break
            if len(shape) >= _SHORTEST:
                found.setdefault(shape, []).append((start, end))
    return found


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
