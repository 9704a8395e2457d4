"""A text as words, with what can be told of each without its neighbours."""

import re
from dataclasses import dataclass

from agents.personal.named.listed import Listed, fold
from agents.personal.named.vocabulary import NO_NAMES

_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"'(?:s|S|re|ve|ll|d|m|RE|VE|LL|D|M)\Z")
_GLUE = frozenset("_@/\\#$%0123456789~^")
_OPENS = frozenset(".(")
_GOES_ON = frozenset("abcdefghijklmnopqrstuvwxyz0123456789)_")
_STOPS = frozenset(".!?:\n\"'*-;>|([{\t")
_CAMEL = re.compile(r"[^\W\d_A-Z][A-Z]")
_PARTICLED = re.compile(r"(?:a[dlnrstz]|ash|el|ben|bin|ibn|abu)-[^\W\d_a-z]")
_BEFORE_CAPITAL = ("Mc", "Mac", "De", "Di", "Du", "La", "Le", "Van", "Von", "Fitz", "O'", "D'")
_DAY_BEHIND = re.compile(
    r"\.? (?:(?:[0-2]?\d|3[01])(?:st|nd|rd|th)?(?![^\W_])(?! (?:day|week|month|year|hour|minute|time|people|of\b))"
    r"|(?:19|20)\d\d(?!\d))",
    re.IGNORECASE,
)
_DAY_BEFORE = re.compile(r"(?<!\d)(?:[0-2]?\d|3[01])(?:st|nd|rd|th)?[ -]\Z")
_WIDEST_DAY = 6
_IN_MONTH = re.compile(r"(?:in|since|until|till)\Z", re.IGNORECASE)
_WIDEST_IN = 6
_MOST = re.compile(r"max\.? ?\d")
_MOST_LETTERS, _SHORT = 30, 3


@dataclass(slots=True)
class Word:
    """`given` and `surname`: 2 where well known, 1 where listed, else 0. `common`: an English word."""

    start: int
    end: int
    text: str
    folded: str
    capital: bool
    upper: bool
    begins: bool
    """A sentence, a line, a cell: its capital says nothing."""
    given: int
    surname: int
    common: bool
    never: bool

    @property
    def nameless(self) -> bool:
        """Nothing speaks for a name but the capital, if there is one."""
        return not (self.given or self.surname)


def words_of(text: str, listed: Listed) -> list[Word]:
    """In order; without parts of identifiers, addresses and numbers."""
    found = []
    seen: dict[str, _Known] = {}
    latin = text.isascii() or _OTHER_SCRIPT.search(text) is None
    for match in _WORD.finditer(text):
        start, end = match.span()
        word = match[0]
        if "'" in word and (tail := _POSSESSIVE.search(word)):
            end -= len(tail[0])
            word = word[: tail.start()]
        if len(word) > _MOST_LETTERS or _is_glued(text, start, end):
            if "_" in (text[start - 1 : start], text[end : end + 1]):
                found.append(Word(start, end, word, word.lower(), False, False, False, 0, 0, True, True))
            continue
        known = seen.get(word)
        if known is None:
            known = seen[word] = _known(word, listed) if latin or not _OTHER_SCRIPT.match(word) else _UNREADABLE
        folded, capital, upper, given, surname, common, never = known
        if (folded == "jan" and _is_month(text, start, end)) or (folded == "max" and _MOST.match(text, start)):
            given, never = 0, True
        begins = _begins(text, start)
        found.append(Word(start, end, word, folded, capital, upper, begins, given, surname, common, never))
    return found


def _is_month(text: str, start: int, end: int) -> bool:
    """A day stands beside it and no other name behind, or it says since when."""
    if text[start] == "j" and _IN_MONTH.search(text, max(0, start - _WIDEST_IN), max(0, start - 1)):
        return True
    before = _DAY_BEFORE.search(text, max(0, start - _WIDEST_DAY), start)
    return _DAY_BEHIND.match(text, end) is not None or (before is not None and not text[end + 1 : end + 2].isupper())


_Known = tuple[str, bool, bool, int, int, bool, bool]
_OTHER_SCRIPT = re.compile("[\u0370-\u1dff\u2c00-\ua71f\ua800-\uffff]")
_UNREADABLE: _Known = ("", False, False, 0, 0, True, True)
"""Of a script that no list is in: see `scripts`."""


def _known(word: str, listed: Listed) -> _Known:
    """Folded; its capitals; what the lists say. A common word is a name only where it is a well-known one."""
    folded = fold(word)
    common = folded in listed.words and len(folded) > 1
    least = 2 if common else 1
    given = _rank(listed.given, folded) or _of_somebody(listed, folded)
    surname = _rank(listed.surnames, folded)
    given, surname = (given if given >= least else 0), (surname if surname >= least else 0)
    capital = word[0].isupper() or ("-" in word and _PARTICLED.match(word) is not None)
    return folded, capital, len(word) > 1 and word.isupper(), given, surname, common, _is_none(word, folded)


def _is_none(word: str, folded: str) -> bool:
    """No name, as "Kafka-free" and "KafkaError" are none."""
    first, _, rest = folded.partition(" ")
    if not folded.strip("x") and len(folded) > 1:  # blotted out
        return True
    if folded in NO_NAMES or (rest and len(first) > _SHORT and first in NO_NAMES):
        return True
    return _CAMEL.search(word) is not None and not word.startswith(_BEFORE_CAPITAL)


def _rank(ranked: dict[str, bool], folded: str) -> int:
    known = ranked.get(folded)
    if known is None and " " in folded:
        parts = [ranked.get(part) for part in folded.split(" ")]
        known = all(parts) if None not in parts else None
    return 0 if known is None else 1 + known


def _of_somebody(listed: Listed, folded: str) -> int:
    """As in "annes", in a text that does without apostrophes."""
    name = folded[:-1]
    of_one = folded.endswith("s") and folded not in listed.words and name not in listed.words
    return 2 if of_one and listed.given.get(name) else 0


def _is_glued(text: str, start: int, end: int) -> bool:
    """To something that makes it part of an identifier, an address or a path."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before in _GLUE or after in _GLUE:
        return True
    if before == "." and start > 1 and text[start - 2].isalnum() and not text[start].isupper():
        return True
    return after in _OPENS and text[end + 1 : end + 2] in _GOES_ON


def _begins(text: str, start: int) -> bool:
    at = start - 1
    while at >= 0 and text[at] == " ":
        at -= 1
    return at < 0 or text[at] in _STOPS
