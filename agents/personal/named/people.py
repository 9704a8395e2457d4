"""Names of people, by lists, letters and the words before them."""

import re

from agents.personal.named.candidate import KNOWN, Candidate
from agents.personal.named.contexts import BRINGS_NAME, GREETS, SAYS_NAME
from agents.personal.named.framed import is_first_name, is_stated, signed, turned
from agents.personal.named.sentence import Sentence
from agents.personal.named.vocabulary import (
    COMPANY_ENDINGS,
    FOLLOWS_NAME,
    MONTHS,
    PARTICLES,
    SHORT_TITLES,
    TITLES,
)
from agents.personal.named.words import Word

_MOST_WORDS, _SHORTEST = 6, 4
_MOST_PARTICLES, _MOST_QUIET = 3, 4
_AND = re.compile(r",? (?:and|or|und|et|y|og|och|&) ")
_WIDEST_LINK = 6


def person_at(sentence: Sentence, at: int) -> Candidate | None:
    """A name that begins with this word; its titles, too."""
    word = sentence.words[at]
    if word.begins and (framed := turned(sentence, at) or signed(sentence, at)):
        return framed
    titled = sentence.title_before(at)
    if _is_none(sentence, at, titled):
        return None
    said = sentence.after(at, SAYS_NAME)
    names = _run(sentence, at, said=said) if word.capital else _quiet_run(sentence, at, said=said)
    last = names[-1]
    quiet = last == at and not word.capital
    if sentence.names_company(last) or (quiet and sentence.names_quiet_company(last)):
        return None
    if titled < at and (word.capital or word.given or word.surname):
        return Candidate(titled, sentence.suffix_after(last), 0.92)
    if said:
        if (word.capital and not (word.common and word.upper)) or not word.common or is_stated(sentence, at):
            return Candidate(at, sentence.suffix_after(last), 0.85)
        return None
    if (word.nameless and (word.common or not word.capital)) or (word.common and (sentence.loud or not word.capital)):
        return None
    if len(word.text) < _SHORTEST and word.upper and not sentence.loud:
        return None
    words = [sentence.words[one] for one in names]
    score = _together(words) if len(words) > 1 else _alone(sentence, at)
    if score <= 0:
        return None
    score += _beside(sentence, at, last, listed=any(one.given or one.surname for one in words))
    return Candidate(at, sentence.suffix_after(last), score)


def are_listed(sentence: Sentence, one: Candidate, other: Candidate) -> bool:
    """Joined by "and", or by a comma in a list that has an "and": a comma alone joins what may be anything."""
    start, end = sentence.words[one.last].end, sentence.words[other.first].start
    between = sentence.text[start:end] if end - start <= _WIDEST_LINK else ""
    if _AND.fullmatch(between):
        return True
    last = sentence.words[other.last].end
    return between == ", " and (_AND.match(sentence.text, last) is not None or sentence.text.startswith(", ", last))


def _is_none(sentence: Sentence, at: int, titled: int) -> bool:
    word = sentence.words[at]
    if word.never and titled == at and not is_first_name(sentence, at):
        return not (word.capital and sentence.particles_from(at) > at and sentence.after(at, SAYS_NAME))
    return _is_title(sentence, at)


def _is_title(sentence: Sentence, at: int) -> bool:
    word = sentence.words[at]
    if word.folded not in TITLES or at + 1 == len(sentence.words) or not sentence.words[at + 1].capital:
        return False
    return sentence.gap(at) == ". " or (word.folded not in SHORT_TITLES and sentence.gap(at) == " ")


def _run(sentence: Sentence, at: int, *, said: bool) -> list[int]:
    """Words with capitals, initials and what leads from one name to the next."""
    names = [at]
    while len(names) < _MOST_WORDS and sentence.joined(names[-1]):
        following = sentence.particles_from(names[-1] + 1)
        word = sentence.words[following]
        family = word.surname == KNOWN and sentence.words[at].given and not sentence.words[at].common
        unknown = word.nameless and (word.never or not (said or sentence.words[names[-1]].given))
        if word.folded in COMPANY_ENDINGS or (sentence.loud and (word.common or unknown)):
            break
        if (
            not word.capital
            or (word.never and word.folded not in MONTHS and not family and not sentence.is_initial(following))
            or (word.common and word.nameless and len(word.text) > 1 and not _is_family(sentence, at, following))
        ):
            break
        names.append(following)
    return names


def _is_family(sentence: Sentence, first: int, at: int) -> bool:
    """A word of English right behind a given name, as in "Rupert Vane": not in a heading, where all have capitals."""
    given, word = sentence.words[first], sentence.words[at]
    if at != first + 1 or given.given < KNOWN or given.common or word.never or sentence.gap(first) != " ":
        return False
    if f"{given.folded} {word.folded}" in sentence.listed.places:
        return False
    return not (sentence.joined(at) and sentence.words[at + 1].capital)


def _quiet_run(sentence: Sentence, at: int, *, said: bool) -> list[int]:
    """Without capitals, every word must be listed; behind a given name, or where it is said that a name follows, one
    must only be no English word.
    """
    names = [at]
    while len(names) < _MOST_QUIET and sentence.joined(names[-1]):
        following = _behind_particles(sentence, names[-1] + 1)
        word = sentence.words[following]
        if word.capital or word.never or len(word.text) == 1:
            break
        if (word.common and word.surname < KNOWN) or (word.nameless and not (sentence.words[at].given or said)):
            break
        if (word.nameless and sentence.foreign) or (word.common and word.folded in FOLLOWS_NAME):
            break
        names.append(following)
    return names


def _behind_particles(sentence: Sentence, at: int) -> int:
    """The word that "de la" and the like lead to."""
    end = at
    while end - at < _MOST_PARTICLES and sentence.words[end].folded in PARTICLES and sentence.joined(end):
        end += 1
    return end if end > at and not sentence.words[end].common and sentence.gap(end - 1) == " " else at


def _together(words: list[Word]) -> float:
    """Of several words."""
    if not words[0].capital:
        return 0.75 if words[0].given and not words[0].common else 0.4
    given = [word for word in words if word.given and not word.common]
    family = [word for word in words if word.surname and not word.common]
    unknown = [word for word in words if word.nameless and len(word.text) > 1]
    if given:
        return 0.88 if len(given) + len(family) > 1 or max(word.given for word in given) == KNOWN else 0.7
    if any(word.given for word in words):
        return 0.62 if family else 0.55 if unknown or all(word.surname for word in words[1:]) else 0.4
    if family:
        return 0.6 if len(family) > 1 or any(len(word.text) == 1 for word in words) else 0.45
    if unknown:
        return 0.55 if len(words[0].text) == 1 else 0.36
    return 0.25


def _alone(sentence: Sentence, at: int) -> float:
    """Of one word."""
    word = sentence.words[at]
    if len(word.text) == 1:
        return 0.0
    if sentence.foreign and not (word.given == KNOWN and word.capital) and not _is_likely(sentence, at):
        return 0.0
    if not word.capital or sentence.loud:
        return (0.0, 0.3, 0.55 if len(word.text) > 3 else 0.45)[word.given]
    if word.common:
        score = (0.0, 0.2, 0.35)[word.given] or (0.1 if word.surname else 0.0)
    else:
        score = (0.0, 0.52, 0.7)[word.given] or (0.25, 0.38, 0.42)[word.surname]
    if not word.begins or (word.given and not word.common) or sentence.after(at, GREETS):
        return score
    return score - (0.12 if word.common or word.surname else 0.04)


def _is_likely(sentence: Sentence, at: int) -> bool:
    """In a text where capitals and lists say little: a name's word behind what stands before names."""
    word = sentence.words[at]
    if sentence.after(at, GREETS):
        return word.capital or word.given == KNOWN
    return not word.nameless and (word.capital or (word.given == KNOWN and sentence.after(at, BRINGS_NAME)))


def _beside(sentence: Sentence, first: int, last: int, *, listed: bool) -> float:
    """What the words around add."""
    word = sentence.words[first]
    sure = word.capital and not word.common
    more = 0.0
    if sentence.after(first, GREETS):
        more += 0.32 if sure else 0.2 if listed else 0.05
    elif sentence.after(first, BRINGS_NAME):
        more += 0.08 if sure and listed else 0.05
    follows = sentence.words[last + 1] if last + 1 < len(sentence.words) else None
    if follows is not None and follows.folded in FOLLOWS_NAME and listed and (word.capital or len(word.text) > 3):
        more += 0.1
    if sentence.text.startswith("'s ", sentence.words[last].end) and listed:
        more += 0.15
    return more
