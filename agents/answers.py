"""Personal data that a model says by itself, masked while it streams: `[EMAIL]`. Nobody can put it back.

Text goes on in segments that no personal data with a form of its own reaches across: a word, or words and numbers that
may belong together. Where segments end depends on the text alone, so however a text is cut into pieces, the result is
that of the whole. What goes on for too long is cut where nothing personal is cut with it.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from agents.personal.finding import find
from agents.personal.policy import Policy, Region, Rule
from agents.personal.spans import PERSONAL_TYPES, Span
from sluice.safe_text import SafeText, cleared, join

FindSpans = Callable[[str], Sequence[Span]]
"""In order and without overlap."""

_REGIONS: Final[tuple[Region, ...]] = (
    *("US", "CA", "GB", "IE", "AU", "NZ", "IN", "ZA", "SG", "DE", "AT", "CH", "FR"),
    *("BE", "NL", "ES", "IT", "PT", "BR", "MX", "PL", "CZ", "SE", "NO", "DK", "FI"),
)
MASKED: Final = Policy(
    name="answers",
    description="All that has a form of its own. Names, places and streets are left: most of a model's are public.",
    regions=_REGIONS,
    types=dict.fromkeys(sorted(set(PERSONAL_TYPES) - {"PERSON", "PLACE", "ADDRESS", "ORG"}), Rule(action="mask")),
)

_ATOM = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # scripts without spaces: each sign is a word
    r"|[^\s\u3001\u3002\uff0c\uff01\uff1f\uff1b\uff1a\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)
_NUMBER = re.compile(r"(?=.*\d)(?:[\W\d_]*[^\W\d_]){0,4}[\W\d_]*")
"""A word with a digit and at most four letters, as the groups of an IBAN have them."""
_PREFIX = re.compile(r"[A-Z]{2,3}|[^\w\s]{1,3}")
"""What stands before a number and belongs to it: a country's letters, a plus, a bracket."""
_FORM = re.compile(r"@|-----|://|(?:\d\D*){4}|[A-Za-z0-9+/_=-]{20}|(?:[0-9A-Fa-f]{2}[:-]){5}")
_ANNOUNCED = re.compile(r"pass|pwd|pin\b|code|secret|token|key|bearer|licen|born|birth|seed|phrase", re.IGNORECASE)
"""Nothing with a form of its own is without one of these, in itself or shortly before."""
_BEGIN: Final = "-----BEGIN"
_PRIVATE = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_END = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,4}[A-Z0-9]{1,12}-----")
_LONGEST_END: Final = 80
_UNREMARKABLE = re.compile(r"\s?[A-Za-z]{0,19}[a-z][,.;:!?]?\s")
"""One plain word with the space behind it."""
_CONTEXT: Final = 200
_SHORTLY: Final = 40
_LONGEST: Final = 300
"""Characters of words and numbers that are taken together. Then what has come is looked at, whatever may follow."""
_LONGEST_KEY: Final = 8_000
_MARGIN: Final = 120
"""So much of what follows is looked at before a long stretch is cut."""
_INSIDE = re.compile(r"[\w.+%'@-]")
"""Of an address or an identifier: it is not cut between two of these, if there is another place."""
_LAST_LETTER = re.compile(r"[A-Z][^\w\s]{0,2}")
"""What may end a number that states give: "AB 12 34 56 C"."""


class AnswerGate:
    """One attempt's answer on its way to the log. `before` is what it goes on with, which has passed already."""

    def __init__(self, find: FindSpans, before: str = "") -> None:
        self._find = find
        self._context = before[-_CONTEXT:]
        self._held = ""
        self._in_key = False
        """Within a private key that is too long to be held: all of it is masked already, to its end."""

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
        given: list[str] = []
        while self._held:
            if self._in_key:
                self._pass_over_key(ended=ended)
                if self._in_key:
                    break
            end = segment_end(self._held, ended=ended)
            key = None if end else self._endless_key(ended=ended)
            end = key.start() if key else end or self._forced_end(ended=ended)
            if not (end or key):
                break
            given.append(self._clear(self._held[:end]) if end else "")
            self._held = self._held[end:]
            if key:
                given.append("[PRIVATE_KEY]")
                self._in_key = True
        return cleared("".join(given))

    def _endless_key(self, *, ended: bool) -> re.Match[str] | None:
        """The beginning of a private key that is too long to be held, or that the model did not end."""
        if not (ended or len(self._held) > _LONGEST_KEY):
            return None
        key = _PRIVATE.search(self._held, 0, _LONGEST + _LONGEST_END)
        return key if key and not _END.search(self._held, key.end(), _LONGEST_KEY) else None

    def _pass_over_key(self, *, ended: bool) -> None:
        found = _END.search(self._held)
        if found or ended:
            self._held, self._in_key = self._held[found.end() :] if found else "", False
        else:
            self._held = self._held[-_LONGEST_END:]

    def _forced_end(self, *, ended: bool) -> int:
        """Where to cut what goes on for too long; 0 where it does not yet, or where more of it must be seen."""
        in_block = _BEGIN in self._held[: _LONGEST + len(_BEGIN)] and len(self._held) <= _LONGEST_KEY
        if in_block or len(self._held) <= (_LONGEST if ended else _LONGEST + _MARGIN):
            return len(self._held) if ended else 0
        seen, start = self._context + self._held[: _LONGEST + _MARGIN], len(self._context)
        end = _LONGEST
        for span in self._find(seen):
            if span.start - start < end < span.end - start:
                end = span.start - start
        if end <= 0:
            return _LONGEST
        calm = end
        while calm > 1 and _INSIDE.match(self._held, calm - 1) and _INSIDE.match(self._held, calm):
            calm -= 1
        return calm if calm > 1 else end

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
    """Where the first segment ends; 0 where more text is needed to know, or where it goes on for too long.

    `ended`: no more will come.
    """
    atoms = list(_ATOM.finditer(text))
    for place, atom in enumerate(atoms):
        if atom.end() > (_LONGEST_KEY if _BEGIN in text[: _LONGEST + len(_BEGIN)] else _LONGEST):
            return 0
        if atom.end() == len(text):
            return len(text) if ended else 0
        open_end = _goes_on(text, atoms, place, ended=ended)
        if open_end is False:
            return atom.end() + (not _ATOM.match(text, atom.end()))
        if open_end is None:
            return 0
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
        if _NUMBER.fullmatch(following[0]) or (here == place and _LAST_LETTER.fullmatch(following[0])):
            return True
    return False
