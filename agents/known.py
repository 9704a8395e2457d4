"""Values that were found once, found again wherever they stand: nothing around them has to say what they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from agents.personal.spans import PersonalType, Span

_WORD = re.compile(r"\w+")
_SHORTEST: Final = 4
_SHORTEST_NAME: Final = 3
_NAMES: Final = frozenset(("PERSON", "PLACE", "ORG"))


@dataclass(slots=True)
class Known:
    """By the first word of each value, so that a text is gone through once, however many there are."""

    _by_word: dict[str, dict[str, tuple[PersonalType, int]]] = field(default_factory=dict)

    def add(self, kind: PersonalType, value: str) -> None:
        """Too short a value is not remembered: it would be found in what has nothing to do with it."""
        word = _WORD.search(value)
        if word is not None and len(value) >= (_SHORTEST_NAME if kind in _NAMES else _SHORTEST):
            self._by_word.setdefault(word[0], {}).setdefault(value, (kind, word.start()))

    def added_to(self, spans: Sequence[Span], text: str) -> list[Span]:
        """The spans, in order and without overlap, and those of values that none of them covers."""
        found = list(spans)
        taken = bytearray(len(text))
        for span in spans:
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
        for word in _WORD.finditer(text):
            for value, (kind, inside) in self._longest_first(word[0]):
                start = word.start() - inside
                end = start + len(value)
                if start >= 0 and text.startswith(value, start) and not any(taken[start:end]) and _apart(text, end):
                    taken[start:end] = b"\x01" * len(value)
                    found.append(Span(start, end, kind, 1.0, "known"))
                    break
        return sorted(found, key=lambda span: span.start)

    def _longest_first(self, word: str) -> list[tuple[str, tuple[PersonalType, int]]]:
        values = self._by_word.get(word)
        return sorted(values.items(), key=lambda item: -len(item[0])) if values else []


def _apart(text: str, end: int) -> bool:
    """No word goes on over the end of a value. One that goes on before its beginning is another first word."""
    return not (text[end - 1].isalnum() and text[end : end + 1].isalnum())
