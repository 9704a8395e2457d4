"""Values that were found once, found again wherever they stand: nothing around them has to say what they are."""

import re
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from agents.known_numbers import KnownNumbers
from agents.personal.named.listed import load_ordinary
from agents.personal.spans import PersonalType, Span

_WORD = re.compile(r"[^\W_]+(?:_+[^\W_]+)*")
_PART = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_SHORTEST: Final = 4
_SHORTEST_NAME: Final = 3
_NAMES: Final = frozenset(("PERSON", "PLACE", "ORG"))
_DEEPEST: Final = 24
"""Words of a value that are looked up one by one; the rest of a longer one is compared at once."""
_Value = TypeVar("_Value")


@dataclass(slots=True)
class _Spellings:
    """Of one value: as it was written, and whether any capitals will do."""

    exact: dict[str, PersonalType] = field(default_factory=dict)
    any_case: PersonalType | None = None


@dataclass(slots=True)
class _ByLength(Generic[_Value]):
    """The shortest first."""

    values: dict[str, _Value] = field(default_factory=dict)
    ordered: list[str] = field(default_factory=list)

    def at(self, signs: str, new: Callable[[], _Value]) -> _Value:
        """With a new one where there was none."""
        if signs not in self.values:
            self.values[signs] = new()
            insort(self.ordered, signs, key=len)
        return self.values[signs]


@dataclass(slots=True)
class _Node:
    """What goes on from a row of words, and the values that end here: by what stands behind, and before."""

    further: dict[str, "_Node"] = field(default_factory=dict)
    ends: _ByLength[_ByLength[_Spellings]] | None = None


@dataclass(slots=True)
class Known:
    """A tree by words: a text is gone through once, however many values there are. Linear in the text."""

    _root: _Node = field(default_factory=_Node)
    _numbers: KnownNumbers = field(default_factory=KnownNumbers)
    _ordinary: Callable[[], frozenset[str]] = load_ordinary

    def add(self, kind: PersonalType, value: str) -> None:
        """Too short a value is not remembered: it would be found in what has nothing to do with it."""
        words = [*_WORD.finditer(value)]
        if not words or len(value) < (_SHORTEST_NAME if kind in _NAMES else _SHORTEST):
            return
        self._add(kind, value, words, any_case=len(words) > 1 or not self._is_ordinary(value))
        if kind == "PERSON":
            for part in _parts(value) if len(words) > 1 else ():
                if not self._is_ordinary(part):
                    self._add(kind, part, [*_WORD.finditer(part)], any_case=True)
        self._numbers.add(kind, value)

    def _is_ordinary(self, word: str) -> bool:
        return word.isalpha() and word.lower() in self._ordinary()

    def _add(self, kind: PersonalType, value: str, words: Sequence[re.Match[str]], *, any_case: bool) -> None:
        folded = fold(value)
        node, end = self._root, words[0].start()
        for word in words[:_DEEPEST]:
            step = folded[word.start() : word.end()]
            if node is not self._root:
                step = _between(folded[end : word.start()]) + step
            node, end = node.further.setdefault(step, _Node()), word.end()
        node.ends = node.ends or _ByLength()
        spellings = node.ends.at(folded[end:], _ByLength).at(folded[: words[0].start()], _Spellings)
        spellings.exact.setdefault(value, kind)
        if any_case and spellings.any_case is None:
            spellings.any_case = kind

    def added_to(self, spans: Sequence[Span], text: str) -> list[Span]:
        """The spans, in order and without overlap, and those of values that none of them covers."""
        taken = bytearray(len(text))
        for span in spans:
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
        found = list(spans)
        for start, end, kind in self._again(text, taken):
            taken[start:end] = b"\x01" * (end - start)
            found.append(Span(start, end, kind, 1.0, "known"))
        found += self._numbers.again(text, taken)
        return sorted(found, key=lambda span: span.start)

    def _again(self, text: str, taken: bytearray) -> Iterator[tuple[int, int, PersonalType]]:
        if not self._root.further:
            return
        folded = fold(text)
        words = [match.span() for match in _WORD.finditer(folded)]
        for first, (start, end) in enumerate(words):
            if taken[start] or (node := self._root.further.get(folded[start:end])) is None:
                continue
            ends = [end for end in self._ends(node, text, folded, words, first) if taken.find(1, *end[:2]) < 0]
            if ends:
                yield max(ends, key=lambda one: one[1] - one[0])

    def _ends(
        self, node: _Node, text: str, folded: str, words: Sequence[tuple[int, int]], first: int
    ) -> Iterator[tuple[int, int, PersonalType]]:
        """Every value that begins with this word, the shortest first."""
        before = (words[first - 1][1] if first else 0, words[first][0])
        last = first
        while True:
            end = words[last][1]
            begin, after = words[last + 1] if last + 1 < len(words) else (len(text), len(text))
            if node.ends is not None:
                most = begin if last - first + 1 < _DEEPEST else len(text)
                yield from _here(node.ends, text, folded, before, (end, most))
            following = node.further.get(_between(folded[end:begin]) + folded[begin:after]) if node.further else None
            if following is None:
                return
            node, last = following, last + 1


def _here(
    ends: _ByLength[_ByLength[_Spellings]], text: str, folded: str, before: tuple[int, int], after: tuple[int, int]
) -> Iterator[tuple[int, int, PersonalType]]:
    """Signs before and behind fit between the words, so that all of them together are tried in linear time."""
    for tail in ends.ordered:
        end = after[0] + len(tail)
        if end > after[1]:
            break
        if not folded.startswith(tail, after[0]) or not _apart(folded, end):
            continue
        leads = ends.values[tail]
        for lead in leads.ordered:
            start = before[1] - len(lead)
            if start < before[0]:
                break
            spellings = leads.values[lead] if folded.startswith(lead, start) else None
            kind = spellings and (spellings.exact.get(text[start:end]) or spellings.any_case)
            if kind:
                yield start, end, kind


def fold(text: str) -> str:
    """In small letters, each in its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := sign.lower()) == 1 else sign for sign in text)


def _between(signs: str) -> str:
    """One line break, or two spaces, are like one space."""
    return " " if signs.isspace() else signs


def _parts(name: str) -> Iterator[str]:
    """Words of a name that are long enough to be told; user names have none."""
    words = name.split()
    if all(_PART.fullmatch(word.strip(".,")) for word in words):
        for word in words:
            part = word.strip(".,")
            if len(part) >= _SHORTEST_NAME:
                yield part


def _apart(text: str, end: int) -> bool:
    """No word goes on over the end of a value. One that goes on before its beginning is another first word."""
    return not (text[end - 1].isalnum() and text[end : end + 1].isalnum())
