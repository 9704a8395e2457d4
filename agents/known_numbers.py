"""Numbers that were found once, found again in other groups, or with no groups at all."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from agents.personal.spans import PersonalType, Span

_TYPES: Final[frozenset[PersonalType]] = frozenset(
    (
        *("PHONE", "CARD", "IBAN", "BANK_ACCOUNT", "SSN", "NATIONAL_ID", "PASSPORT", "DRIVER_LICENSE", "BIRTH_DATE"),
        "PASSWORD",
    )
)
_NUMBER = re.compile(r"[A-Za-z0-9 ()+#*./-]+")
_GROUP = re.compile(r"[^\W_]+")
_BETWEEN: Final = frozenset((" ", "-", ".", "/", "(", ") ", " (", " - ", ")-", " / "))
_SHORTEST, _SHORTEST_IN_GROUPS, _LONGEST, _MOST_GROUPS = 4, 6, 34, 12
_FEWEST_DIGITS: Final = 4


@dataclass(slots=True)
class KnownNumbers:
    """By their letters and digits, without what stands between. Linear in the text."""

    _by_signs: dict[str, PersonalType] = field(default_factory=dict)

    def add(self, kind: PersonalType, value: str) -> None:
        """Half of it are digits: all else is words, in which signs between count."""
        if kind not in _TYPES or _NUMBER.fullmatch(value) is None:
            return
        signs = "".join(_GROUP.findall(value)).lower()
        digits = sum(map(str.isdigit, signs))
        if digits >= _FEWEST_DIGITS and digits * 2 >= len(signs) and len(signs) <= _LONGEST:
            self._by_signs.setdefault(signs, kind)

    def again(self, text: str, taken: bytearray) -> Iterator[Span]:
        """What `taken` does not have yet, the longest first from each group on."""
        if not self._by_signs:
            return
        groups = [match.span() for match in _GROUP.finditer(text)]
        position = 0
        for first, (start, _) in enumerate(groups):
            if start >= position and (found := self._from(text, taken, groups, first)) is not None:
                position = found.end
                yield found

    def _from(self, text: str, taken: bytearray, groups: list[tuple[int, int]], first: int) -> Span | None:
        start, signs, longest = groups[first][0], "", None
        for last in range(first, min(first + _MOST_GROUPS, len(groups))):
            begin, end = groups[last]
            if last > first and text[groups[last - 1][1] : begin] not in _BETWEEN:
                break
            if end - begin + len(signs) > _LONGEST or taken.find(1, start, end) >= 0:
                break
            signs += text[begin:end].lower()
            kind = self._by_signs.get(signs) if last == first or len(signs) >= _SHORTEST_IN_GROUPS else None
            if kind is not None:
                longest = Span(start, end, kind, 1.0, "known.number")
        return longest
