"""What stands around a word of a text."""

import re
from dataclasses import dataclass
from itertools import pairwise

from agents.personal.named.listed import Listed
from agents.personal.named.phrases import LONGEST_PHRASE
from agents.personal.named.vocabulary import (
    COMPANY_ENDINGS,
    LOOSE_PARTICLES,
    PARTICLES,
    SHORT_TITLES,
    SUFFIXES,
    SURE_COMPANY_ENDINGS,
    TITLES,
)
from agents.personal.named.words import Word, words_of

_TO_CONTEXT = re.compile(r"'?(?:s|m|re)?[ :=\"'>*_(,\n\t;|?-]{1,5}")
_INSIDE_CONTEXT = re.compile(r"[ _'-]|'s ")
_MOST_TITLES, _MOST_SUFFIXES, _MOST_PARTICLES = 4, 6, 4
_ABBREVIATED = TITLES | SUFFIXES
_JOINING = frozenset((" ", "-", ".", "+"))
_LOUD = 0.6
_FEW_WORDS = 3
_LEAST_QUIET = 4
_FEWEST_FOREIGN = 2


@dataclass(slots=True)
class Sentence:
    """A text, its words and what is listed."""

    text: str
    words: list[Word]
    listed: Listed
    loud: bool
    """Written in capitals: they say nothing."""
    commas: bool
    """There is one before a space."""
    foreign: bool
    """Another language than English: lists of names know its words, and where all nouns have capitals, these say
    nothing.
    """
    gaps: list[str]
    joins: list[bool]
    _read: tuple[int, list[str]] = (-1, [])

    def gap(self, at: int) -> str:
        """Between a word and the next."""
        return self.gaps[at]

    def joined(self, at: int) -> bool:
        """The next word may belong to the same name."""
        return self.joins[at]

    def is_initial(self, at: int) -> bool:
        """As in "Anna I. Berg"."""
        word = self.words[at]
        return len(word.text) == 1 and word.capital and self.text.startswith(". ", word.end)

    def names_company(self, at: int) -> bool:
        """The next word is "Ltd", "Bank" and the like."""
        if not self.joined(at):
            return False
        ending = self.words[at + 1]
        return ending.folded in (COMPANY_ENDINGS if ending.capital else SURE_COMPANY_ENDINGS)

    def names_quiet_company(self, at: int) -> bool:
        """The same of one word, where nothing has a capital: as in "london bank", but not in "paris as a child"."""
        if self.words[at].capital or not self.joined(at):
            return self.names_company(at)
        return self.words[at + 1].folded in COMPANY_ENDINGS and len(self.words[at + 1].text) >= _LEAST_QUIET

    def after(self, at: int, phrases: frozenset[str]) -> bool:
        """One of the phrases stands right before the word."""
        if self._read[0] != at:
            self._read = at, self._before(at)
        return not phrases.isdisjoint(self._read[1])

    def _before(self, at: int) -> list[str]:
        """The last word before, the last two, and so on."""
        found: list[str] = []
        first = at
        while first and at - first < LONGEST_PHRASE:
            gap = self.gaps[first - 1]
            if gap != " " and not (_TO_CONTEXT if first == at else _INSIDE_CONTEXT).fullmatch(gap):
                break
            first -= 1
            found.append(f"{self.words[first].folded} {found[-1]}" if found else self.words[first].folded)
        return found

    def title_before(self, at: int) -> int:
        """Where the titles before a word begin: at the word itself where there is none."""
        if not at or self.words[at - 1].folded not in TITLES:
            return at
        first = at
        while (
            first
            and at - first < _MOST_TITLES
            and self.words[first - 1].folded in TITLES
            and self.gap(first - 1) in {" ", ". ", "."}
        ):
            before = self.words[first - 1]
            if before.folded in SHORT_TITLES and not (before.capital and self.words[at].capital):
                break
            first -= 1
        return first

    def particles_from(self, at: int) -> int:
        """Behind "von der" and the like: the place of the word that they lead to, or `at`."""
        if at < len(self.words) and self.words[at].folded not in PARTICLES:
            return at
        end = at
        while (
            end < min(len(self.words), at + _MOST_PARTICLES)
            and self.words[end].folded in PARTICLES
            and self.joined(end)
        ):
            end += 1
        led = end < len(self.words) and self.words[end].capital and not self.words[end].common
        loose = end == at + 1 and self.words[at].folded in LOOSE_PARTICLES
        return end if led and not loose else at

    def suffix_after(self, at: int) -> int:
        """The last word of "Jr.", "PhD" and the like behind a word: "B.Sc." is two."""
        if at + 1 >= len(self.words) or self.words[at + 1].folded not in SUFFIXES:
            return at
        most = at + _MOST_SUFFIXES
        while (
            at + 1 < min(len(self.words), most)
            and self.words[at + 1].folded in SUFFIXES
            and self.words[at + 1].capital
            and self.gap(at) in {" ", ", ", ". ", ".", "., "}
        ):
            at += 1
        return at


def read_sentence(text: str, listed: Listed) -> Sentence:
    """Linear."""
    words = words_of(text, listed)
    shouted = sum(word.upper for word in words)
    loud = shouted > _LOUD * len(words) and len(words) >= _FEW_WORDS
    small = [word for word in words if (word.begins or not word.capital) and word.folded in listed.functions]
    foreign = [word for word in small if not listed.functions[word.folded]]
    is_foreign = 2 * len(foreign) > len(small) and len(foreign) >= _FEWEST_FOREIGN
    is_foreign = is_foreign and any(word.folded not in PARTICLES for word in foreign)
    for word in words if is_foreign else ():
        if word.folded not in listed.functions:
            word.common = word.common and not word.capital
    for word in foreign if is_foreign else ():
        word.given, word.surname, word.common, word.never = 0, 0, True, True
    gaps = [text[one.end : other.start] for one, other in pairwise(words)]
    joins = [_joins(word, gap) for word, gap in zip(words, gaps, strict=False)]
    return Sentence(text, words, listed, loud, ", " in text, is_foreign, gaps, [*joins, False])


def _joins(word: Word, gap: str) -> bool:
    if gap in _JOINING:
        return True
    return gap == ". " and (len(word.text) == 1 or word.folded in _ABBREVIATED)
