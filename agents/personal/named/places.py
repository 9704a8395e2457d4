"""Names of towns, countries and regions, by lists, endings and the words before them."""

import re

from agents.personal.named.candidate import KNOWN, Candidate
from agents.personal.named.contexts import BRINGS_PLACE, STRONG_PLACE
from agents.personal.named.sentence import Sentence
from agents.personal.named.vocabulary import BEFORE_TOWN, TITLES, TOWN_ENDINGS
from agents.personal.named.words import Word

_POSTCODE = re.compile(r"(?<![\w.])\d{2,5}[ -]?\d{2,3},? \Z")
_BEFORE_SPACE = frozenset("0123456789,")
_SHORTEST, _SHORTEST_WITH_ENDING = 3, 6
_INSIDE = frozenset((" ", "-", ". "))
_MOST_WORDS = 4
_ENDINGS = tuple(TOWN_ENDINGS)
_SHORT_COUNTRIES = frozenset({"uk", "us", "uae"})
_VAGUE = frozenset(
    ("new", "old", "great", "central", "point", "la", "le", "el", "les", "vale", "monte", "little", "lower", "upper")
)


def place_at(sentence: Sentence, at: int, *, behind_place: bool = False) -> Candidate | None:
    """A place that begins with this word."""
    word = sentence.words[at]
    if word.upper and word.folded in _SHORT_COUNTRIES:
        return Candidate(at, at, 0.7)
    listed = _listed(sentence, at)
    only_listed = (word.never and word.folded not in BEFORE_TOWN) or len(word.text) < _SHORTEST
    if listed is None and only_listed:
        return None
    strong = (
        sentence.after(at, STRONG_PLACE)
        or (
            word.capital
            and sentence.text[word.start - 2 : word.start - 1] in _BEFORE_SPACE
            and _POSTCODE.search(sentence.text, max(0, word.start - 9), word.start) is not None
        )
        or (behind_place and not sentence.foreign)
        or (word.capital and sentence.text.startswith("Co. ", max(0, word.start - 4)))
    )
    beside = strong or sentence.after(at, BRINGS_PLACE)
    if listed is not None and (strong or _is_name(sentence, at, listed[0])):
        last, rank = listed
        if last > at:
            return Candidate(at, last, 0.8 if word.capital or rank == KNOWN or strong else 0.5)
        return Candidate(at, last, _listed_score(sentence, word, rank, strong=strong, beside=beside))
    if only_listed:
        return None
    if word.folded in TITLES and at + 1 < len(sentence.words) and sentence.words[at + 1].capital:
        return None
    if not word.capital:
        return _quiet(sentence, at, strong=strong, beside=beside)
    return _shaped(sentence, at, strong=strong, beside=beside)


def _listed(sentence: Sentence, at: int) -> tuple[int, int] | None:
    """The longest listed place from here: its last word, and how well it is known."""
    listed = sentence.listed
    most = listed.longest_places.get(sentence.words[at].folded.partition(" ")[0])
    if most is None:
        return None
    name, best, last = "", None, at
    while True:
        name = f"{name} {sentence.words[last].folded}" if name else sentence.words[last].folded
        rank = listed.places.get(name)
        if rank is not None and (last > at or not sentence.words[at].never):
            best = (last, 1 + rank)
        if name.count(" ") + 1 >= most or last + 1 == len(sentence.words) or sentence.gap(last) not in _INSIDE:
            break
        last += 1
        if not sentence.words[last].folded:  # of another script
            break
    return best


def _is_name(sentence: Sentence, at: int, last: int) -> bool:
    """Of several words one has a capital, or is no English word: "new york", but not "as far as"."""
    return last == at or any(
        one.capital or not (one.common or sentence.foreign) for one in sentence.words[at : last + 1]
    )


def _listed_score(sentence: Sentence, word: Word, rank: int, *, strong: bool, beside: bool) -> float:
    known = rank == KNOWN
    if not word.capital or sentence.loud:
        if word.common or (sentence.foreign and not strong):
            return 0.0
        return (0.72 if strong else 0.62 if known and (beside or not word.given) else 0.3) if known or strong else 0.2
    if word.common:
        return (0.7 if strong else 0.56 if beside and not word.begins else 0.3) if known else (0.55 if strong else 0.15)
    if strong or (beside and known):
        return 0.82
    if known:
        return 0.68
    return 0.6 if beside else 0.4


def _quiet(sentence: Sentence, at: int, *, strong: bool, beside: bool) -> Candidate | None:
    """One without capitals that no list has: "i live in east hollowfield"."""
    word = sentence.words[at]
    last = at
    while last - at < 2 and sentence.joined(last) and _could_be_town(sentence.words[last + 1]):
        last += 1
    if word.folded in BEFORE_TOWN:
        return Candidate(at, last, 0.6) if beside and last > at else None
    if strong and not word.common and (word.nameless or not word.given):
        return Candidate(at, last, 0.52)
    return Candidate(at, at, 0.55) if beside and not word.common and word.folded.endswith(_ENDINGS) else None


def _could_be_town(word: Word) -> bool:
    return not (word.common or word.never or word.capital) and len(word.text) > 2


def _shaped(sentence: Sentence, at: int, *, strong: bool, beside: bool) -> Candidate | None:
    """One that no list has."""
    word = sentence.words[at]
    last = at
    while last - at < _MOST_WORDS and sentence.joined(last) and _goes_on(sentence.words[last + 1]):
        last += 1
    if word.folded in BEFORE_TOWN and last > at:
        score = 0.45 if word.folded in _VAGUE else 0.62
        return Candidate(at, last, score + (0.2 if strong else 0.1 if beside else 0))
    if word.common:
        return None
    if strong:
        return Candidate(at, last, 0.7)
    if any(
        len(w.folded) >= _SHORTEST_WITH_ENDING and w.folded.endswith(_ENDINGS) for w in sentence.words[at : last + 1]
    ):
        return Candidate(at, last, 0.66 if beside else 0.48 if not word.begins else 0.4)
    return Candidate(at, last, 0.34) if beside else None


def _goes_on(word: Word) -> bool:
    return word.capital and not word.never and not word.common and len(word.text) > 1
