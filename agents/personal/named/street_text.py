"""A text as streets and their numbers are looked for in it."""

import re
from dataclasses import dataclass
from itertools import pairwise

from agents.personal.named.listed import fold
from agents.personal.named.streets import SAYS_ADDRESS, SMALL, TIGHT_UNITS, UNITS_BEFORE

_WORD = re.compile(r"[^\W_]+")
_HOUSE = re.compile(r"\d{1,6}[a-z]?\Z")
_NUMBERS = frozenset(("/", "-", " / ", " - ", " "))
INSIDE = frozenset((" ", "-", ". ", "'", ".", ".-", " '"))
"""What stands between the words of one street."""
BEFORE_FLAT = frozenset((" ", ", ", ". ", "\n", ",\n", "\n ", ",\n "))
_LISTING = frozenset((*INSIDE, ", ", "\n", ",\n", " / ", "/", " - ", ","))
_NO_HOUSE_BEHIND = re.compile(r"[\w.,:][./,:-]\Z|[$€£#@+=]\s?\Z|[_]\Z|v\Z")
_NUMBERED = re.compile(r"\b(?:no|nr)[:.]\Z", re.IGNORECASE)
_NO_HOUSE_AHEAD = re.compile(r"[%€$£:_@]|[.,]\d|\s?(?:%|€|ms|kb|mb|gb|px|usd|eur)\b", re.IGNORECASE)
_SAY = frozenset(phrase.split()[-1] for phrase in SAYS_ADDRESS)
_UNIT = re.compile(
    r"(?:,?[ ]\d{1,2}\.[ ]?(?:og|stock|etage|ug|dg)\b(?:[ ](?:links|rechts|mitte)\b)?"
    r"|[ ]?[-/][ ]?\d{1,5}[a-z]?\b|[ ][a-h]\b(?![ '])"
    r"|(?:,?[ ]{1,2}|,?[ ]?\n[ >\t]{0,6})"
    r"(?:apt|app|ap|appt|phase|sector|area|block|blk|tower|wing|stage|section|zone|apartment|suite|ste|unit|flat|floor|fl|room|rm|bldg|building|lot|appartamento|appto|piso"
    r"|puerta|depto|dept|departamento|edif|edificio|interior|int|[ée]tage|stock|stiege|t[üu]r|top|bus|bl|bloc"
    r"|scara|sc|etaj"
    r"|et|ap|lok|m|bloco|apto|local|escalera|esc|box|bis|bte|bo[îi]te|bureau|lgh|bajo|[áa]tico|entlo"
    r"|izba)\b\.?[ ]?\#?[a-z]?\d{0,5}[a-z]?(?![^\W_])"
    r"|-(?:I{1,3}|IV|hs|bis|[A-H])\b|,?[ ]r/c(?:[ ](?:dto|esq)\b)?"
    r"|,?[ ]\#[ ]?\w{1,6}|,[ ]?(?:\d{1,2}|st|kl)\.?[ ](?:tv|th|mf|og|sal)\b\.?|[ ][A-H][ ]?\d{1,3}\b"
    r"|[ ](?:fundos|frente|sobrado)\b"
    r"|,[ ]\d{1,3}(?:th|st|nd|rd) floor|,[ ]?\d{1,2}\.?[oa°]\.?(?:[ ]?(?:[a-h]|izq|izda|izquierda|dcha|dto|esq"
    r"|fte|frente|der|derecha"
    r"|int|ext|piso"
    r"|\d{1,2}[oa]))?(?![^\W_])\.?|[ ]\d{1,2}[a-z]?(?=,?[ ]\#\d)"
    r"|,?[ ](?:d|daire|k|kat)[:.][ ]?\d{1,3}(?![^\W_])"
    r"|[ ](?:north|south|east|west|n|s|e|w|ne|nw|se|sw|nord|ost|sud|norte|sur)\b\.?(?![ ]?'[a-z]))",
    re.IGNORECASE,
)
_ABBREVIATED, _YEAR = 4, 4
_MOST_UNITS, _MOST_CONTEXT, _WIDEST_GAP, _MOST_NUMBERS, _MOST_SMALL = 4, 4, 4, 4, 6


@dataclass(slots=True)
class StreetWord:
    """`letters`: it does not begin with a digit."""

    start: int
    end: int
    folded: str
    capital: bool
    letters: bool


class StreetText:
    """Words and numbers; `says` is whether anything in it could say that an address follows."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[StreetWord] = []
        seen: dict[str, tuple[str, bool, bool]] = {}
        for match in _WORD.finditer(text):
            word = match[0]
            known = seen.get(word)
            if known is None:
                known = seen[word] = fold(word), word[0].isupper(), not word[0].isdigit()
            self.words.append(StreetWord(match.start(), match.end(), *known))

        self._gaps = [text[one.end : other.start] for one, other in pairwise(self.words)]
        self.says = any(word.folded in _SAY for word in self.words)

    def to_end(self, last: int) -> int:
        """With flats, floors and the like behind the last word."""
        end = self.words[last].end
        if self.text.startswith(".", end) and self.words[last].letters and self.text[end + 1 : end + 2] == " ":
            end += 1
        for _ in range(_MOST_UNITS):
            unit = _UNIT.match(self.text, end)
            if unit is None:
                break
            end = unit.end()
        return end

    def gap(self, at: int) -> str:
        """Between a word and the next."""
        return self._gaps[at]

    def is_house(self, word: StreetWord) -> bool:
        """A number that could be that of a house: no price, version, share or size."""
        return (
            _HOUSE.match(word.folded) is not None
            and (
                not _NO_HOUSE_BEHIND.search(self.text, max(0, word.start - 2), word.start)
                or _NUMBERED.search(self.text, max(0, word.start - 4), word.start) is not None
            )
            and not _NO_HOUSE_AHEAD.match(self.text, word.end)
        )

    def is_number_of(self, at: int) -> bool:
        """Of a house behind an English street, as in "Kloof Road 21": no year, nor how many there are of something."""
        word = self.words[at]
        behind = self.text[word.end : word.end + 1]
        return self.is_house(word) and len(word.folded) < _YEAR and behind in {"", ",", ".", "\n", ";"}

    def ends_sentence(self, at: int) -> bool:
        """A number and a full stop."""
        return self.gap(at) == ". " and not self.words[at].letters

    def in_sentence(self, at: int) -> bool:
        """No sentence ends behind the word: a full stop is only behind an abbreviation."""
        return self.gap(at) in INSIDE and (self.gap(at) != ". " or len(self.words[at].folded) <= _ABBREVIATED)

    def leads_to_capital(self, at: int) -> bool:
        """Small words, then one with a capital."""
        most = min(len(self.words), at + _MOST_SMALL) - 1
        while at < most and self.words[at].folded in SMALL and self.gap(at) in INSIDE:
            at += 1
        return self.words[at].capital

    def follows(self, at: int, phrases: frozenset[str]) -> bool:
        """One of the phrases stands right before the word."""
        phrase = ""
        for back in range(at - 1, max(-1, at - 1 - _MOST_CONTEXT), -1):
            gap = self._gaps[back]
            if len(gap) > _WIDEST_GAP or gap.strip(" :=\"'>*\n\t(;|,_" if back == at - 1 else " _'"):
                return False
            phrase = f"{self.words[back].folded} {phrase}" if phrase else self.words[back].folded
            if phrase in phrases:
                return True
        return False

    def from_unit(self, at: int) -> int:
        """Where "Flat 3, 12 ..." begins."""
        if (
            at > 1
            and self.gap(at - 1) in _LISTING
            and self.gap(at - 2) in {" ", ". "}
            and self.words[at - 2].folded in UNITS_BEFORE
            and (not self.words[at - 1].letters or len(self.words[at - 1].folded) == 1)
        ):
            return at - 2
        if (
            at
            and self.words[at - 1].folded in TIGHT_UNITS
            and self.gap(at - 1) in {" ", ". ", "."}
            and (self.words[at - 1].folded != "no" or self.words[at - 1].capital)
        ):
            return at - 1
        if (
            0 < at < len(self.words) - 1
            and self.gap(at - 1) == " "
            and self.words[at - 1].folded in UNITS_BEFORE
            and self.gap(at) in _NUMBERS - {" "}
        ):
            return at - 1
        return at

    def is_flat(self, at: int) -> bool:
        """A number follows the word."""
        return at + 1 < len(self.words) and self.gap(at) in {" ", ". ", " #"} and not self.words[at + 1].letters

    def from_number(self, at: int) -> int:
        """With a number right before the first word: a flat's, or one too many."""
        before = at - 1
        number = before >= 0 and self.gap(before) == " " and _HOUSE.match(self.words[before].folded) is not None
        return before if number and self.is_house(self.words[before]) else at

    def through_number(self, at: int) -> int:
        """The last word of "12/34", "4-6"."""
        most = min(len(self.words), at + _MOST_NUMBERS) - 1
        while at < most and self.gap(at) in _NUMBERS and self._goes_on(at + 1):
            at += 1
        return at

    def _goes_on(self, at: int) -> bool:
        folded = self.words[at].folded
        if self.gap(at - 1) == "/" and len(folded) == 1:
            return True
        return folded in {"bis", "ter", "quater"} or (self.gap(at - 1) != " " and _HOUSE.match(folded) is not None)
