"""Names that their frame tells: a comma turned them around, a letter ends with them, a form asks for them."""

from agents.personal.named.candidate import KNOWN, Candidate
from agents.personal.named.contexts import CLOSES, OF_FAMILY, STATES_NAME
from agents.personal.named.sentence import Sentence
from agents.personal.named.vocabulary import BEFORE_MONTH, MONTHS

_MOST_SIGNED = 3


def turned(sentence: Sentence, at: int) -> Candidate | None:
    """As in "Smith, John" and "DE LA CRUZ, MARIA"."""
    words = sentence.words
    if not words[at].capital or not sentence.commas:
        return None
    last = sentence.particles_from(at)
    if not words[last].surname and (last == at or words[last].common):
        return None
    if sentence.joined(last) and words[last + 1].capital and words[last + 1].surname:
        last += 1
    if last + 1 == len(words) or sentence.gap(last) != ", ":
        return None
    given = words[last + 1]
    if not given.capital or given.given < KNOWN or (words[at].common and words[at].nameless):
        return None
    last += 1
    if sentence.joined(last) and (sentence.is_initial(last + 1) or words[last + 1].given == KNOWN):
        last += words[last + 1].capital and not words[last + 1].common
    return Candidate(at, last, 0.62)


def is_first_name(sentence: Sentence, at: int) -> bool:
    """As in "June Summers" and "my daughter June", but not in "in June Summers left"."""
    word = sentence.words[at]
    if word.folded not in MONTHS or not (word.capital and word.given) or sentence.loud:
        return False
    if sentence.after(at, OF_FAMILY):
        return True
    if not sentence.joined(at):
        return False
    family = sentence.words[at + 1]
    before = sentence.words[at - 1].folded if at else ""
    return family.capital and bool(family.surname) and not family.never and before not in BEFORE_MONTH


def is_stated(sentence: Sentence, at: int) -> bool:
    """As in "first name hope", but not in "the name will be"."""
    word = sentence.words[at]
    if not word.given or not sentence.after(at, STATES_NAME):
        return False
    return not sentence.joined(at) or not (sentence.words[at + 1].never and sentence.words[at + 1].common)


def signed(sentence: Sentence, at: int) -> Candidate | None:
    """All of a line of few words below "thanks" and the like."""
    words = sentence.words
    if at == 0 or "\n" not in sentence.text[words[at - 1].end : words[at].start]:
        return None
    if not sentence.after(at, CLOSES):
        return None
    last = at
    while sentence.joined(last) and last - at < _MOST_SIGNED:
        last += 1
    end = words[last].end
    if sentence.text[end : end + 1] not in {"", "\n", ","} or any(word.never for word in words[at : last + 1]):
        return None
    if any(word.common and not (word.given or word.surname) for word in words[at : last + 1]):
        return None
    return Candidate(at, last, 0.6)
