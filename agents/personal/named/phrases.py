"""Phrases that stand before names, written down briefly."""

import re
from itertools import product

_ELEMENT = re.compile(r"\(([^)]*)\)|\[([^\]]*)\]|(\S+)")
LONGEST_PHRASE = 5


def phrases(*patterns: str) -> frozenset[str]:
    """Lines of patterns, apart by `;`: `(a|b) c` is "a c" and "b c"; what stands in square brackets may be missing."""
    found = set()
    for pattern in ";".join(patterns).replace("\n", " ").split(";"):
        choices = [
            tuple(part.strip() for part in one.split("|"))
            if one
            else (*map(str.strip, maybe.split("|")), "")
            if maybe
            else (word,)
            for one, maybe, word in _ELEMENT.findall(pattern)
        ]
        found |= {" ".join(" ".join(chosen).split()) for chosen in product(*choices)}
    return frozenset(found - {""})
