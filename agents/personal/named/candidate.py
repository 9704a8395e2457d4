"""What could be a name."""

from dataclasses import dataclass

KNOWN = 2
"""Rank of a word that is well known as a name."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Words from `first` to `last` that could be a name."""

    first: int
    last: int
    score: float
