"""Personal data that a model says by itself, masked while it streams: `[EMAIL]`. Nobody can put it back.

Text goes on in segments that no personal data with a form of its own reaches across: a word, or words and numbers that
may belong together. Where segments end depends on the text alone, so however a text is cut into pieces, the result is
that of the whole. What a model said of a segment that it did not end is dropped, not guessed.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from agents.personal.finding import find
from agents.personal.policy import Policy, Rule
from agents.personal.spans import Span
from sluice.safe_text import SafeText, cleared, join

FindSpans = Callable[[str], Sequence[Span]]
"""In order and without overlap."""

MASKED: Final = Policy(
    name="answers",
    description="Addresses of machines and what examples call a password are left: many answers are about them.",
    types={
        **dict.fromkeys(("EMAIL", "PHONE", "CARD", "IBAN", "SSN", "JWT", "PRIVATE_KEY"), Rule(action="mask")),
        "API_KEY": Rule(action="mask", from_score=0.95),
    },
)

_ATOM = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # scripts without spaces: each sign is a word
    r"|[^\s\u3001\u3002\uff0c\uff01\uff1f\uff1b\uff1a\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)
_NUMBER = re.compile(r"(?=.*\d)(?:[\W\d_]*[^\W\d_]){0,4}[\W\d_]*")
"""A word with a digit and at most four letters, as the groups of an IBAN have them."""
_PREFIX = re.compile(r"[A-Z]{2,3}|[^\w\s]{1,3}")
"""What stands before a number and belongs to it: a country's letters, a plus, a bracket."""
_FORM = re.compile(r"@|-----|(?:\d\D*){4}|[A-Za-z0-9+/_=-]{20}")
_ANNOUNCED = re.compile(r"pass|pwd|secret|token|key|bearer", re.IGNORECASE)
"""Nothing with a form of its own is without one of these, in itself or shortly before."""
_BEGIN: Final = "-----BEGIN"
_END = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,4}[A-Z0-9]{1,12}-----")
_LONGEST_END: Final = 80
_UNREMARKABLE = re.compile(r"\s?[A-Za-z]{0,19}[a-z][,.;:!?]?\s")
"""One plain word with the space behind it."""
_CONTEXT: Final = 200
_SHORTLY: Final = 40
_LONGEST: Final = 300
"""Characters of words and numbers that are taken together. Then what has come is looked at, whatever may follow."""
_LONGEST_KEY: Final = 8_000


class AnswerGate:
    """One attempt's answer on its way to the log. `before` is what it goes on with, which has passed already."""

    def __init__(self, find: FindSpans, before: str = "") -> None:
        self._find = find
        self._context = before[-_CONTEXT:]
        self._held = ""

    def take(self, piece: str) -> SafeText:
        """What may go on now."""
        self._held += piece
        if _UNREMARKABLE.fullmatch(self._held):  # most text: segments of it would go on one by one, unchanged
            seen = self._context + self._held
            if not _ANNOUNCED.search(seen, max(0, len(self._context) - _SHORTLY)):
                given, self._held, self._context = self._held, "", seen[-_CONTEXT:]
                return cleared(given)
        return self._give(ended=False)

    def finish(self) -> SafeText:
        """The rest, as the model has ended."""
        return self._give(ended=True)

    def _give(self, *, ended: bool) -> SafeText:
        given = []
        while self._held and (end := segment_end(self._held, ended=ended)):
            given.append(self._clear(self._held[:end]))
            self._held = self._held[end:]
        return cleared("".join(given))

    def _clear(self, segment: str) -> str:
        seen, start = self._context + segment, len(self._context)
        self._context = seen[-_CONTEXT:]
        if not _FORM.search(segment) and not _ANNOUNCED.search(seen, max(0, start - _SHORTLY)):
            return segment
        pieces, position = [], start
        for span in self._find(seen):
            if span.end > start:
                pieces += [seen[position : span.start], f"[{span.type}]"]
                position = span.end
        return "".join([*pieces, seen[position:]])


def find_in_answers(text: str) -> list[Span]:
    """What is masked in every bot's answers."""
    return find(text, MASKED)


def clear_answer(text: str, find: FindSpans) -> SafeText:
    """The whole of a text at once."""
    gate = AnswerGate(find)
    return join((gate.take(text), gate.finish()))


def segment_end(text: str, *, ended: bool) -> int:
    """Where the first segment ends; 0 where more text is needed to know. `ended`: no more will come."""
    atoms = list(_ATOM.finditer(text))
    longest = _LONGEST_KEY if _BEGIN in text[: _LONGEST + len(_BEGIN)] else _LONGEST
    for place, atom in enumerate(atoms):
        if atom.end() > longest:
            break
        if atom.end() == len(text):
            return len(text) if ended else 0
        open_end = _goes_on(text, atoms, place, ended=ended)
        if open_end is False:
            return atom.end() + (not _ATOM.match(text, atom.end()))
        if open_end is None:
            break
    if len(text) > longest:
        return longest
    return len(text) if ended else 0


def _goes_on(text: str, atoms: list[re.Match[str]], place: int, *, ended: bool) -> bool | None:
    """Whether an atom that has ended may belong to what follows; None where that cannot be said yet."""
    atom = atoms[place]
    head = text[: atom.end()]
    if _BEGIN in head:
        return not _END.search(text, max(0, atom.start() - _LONGEST_END), atom.end())
    after_number = place > 0 and _NUMBER.fullmatch(atoms[place - 1][0])
    if _NUMBER.fullmatch(atom[0]):
        return _number_within(text, atoms, place, 2, ended=ended)
    if after_number or _PREFIX.fullmatch(atom[0]):
        return _number_within(text, atoms, place, 1, ended=ended)
    return False


def _number_within(text: str, atoms: list[re.Match[str]], place: int, steps: int, *, ended: bool) -> bool | None:
    """Whether one of the next atoms of the same line is a number."""
    for here in range(place, place + steps):
        following = atoms[here + 1] if here + 1 < len(atoms) else None
        if "\n" in text[atoms[here].end() : following.start() if following else len(text)]:
            return False
        if following is None:
            return False if ended else None
        if following.end() == len(text) and not ended:
            return None
        if _NUMBER.fullmatch(following[0]):
            return True
    return False
