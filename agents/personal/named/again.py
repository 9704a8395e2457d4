"""Names that stand in a text once more, where the words around do not tell it any more."""

from collections.abc import Iterator, Sequence

from agents.personal.named.sentence import Sentence
from agents.personal.named.vocabulary import FOLLOWS_NAME
from agents.personal.named.words import Word
from agents.personal.spans import PersonalType, Span

_TYPES: frozenset[PersonalType] = frozenset(("PERSON", "PLACE"))
_GUESSED = 0.5
_SHORTEST = 3


def again(sentence: Sentence, found: Sequence[Span]) -> Iterator[Span]:
    """Word by word; words side by side are one name. Linear."""
    if not found:
        return
    inside = [*_inside(sentence, found)]
    known: dict[str, tuple[PersonalType, bool]] = {}
    for word, span in zip(sentence.words, inside, strict=True):
        if span is not None and len(word.text) >= _SHORTEST and not word.never and (word.capital or not word.common):
            known.setdefault(word.folded, (span.type, word.common))
    name: Span | None = None
    for at, word in enumerate(sentence.words if known else ()):
        of = known.get(word.folded)
        if of is None or word.never or inside[at] is not None or not _may_be(sentence, at, word, common=of[1]):
            continue
        if name is not None and name.end == sentence.words[at - 1].end and sentence.joined(at - 1):
            name = Span(name.start, word.end, name.type, name.score, name.detector)
            continue
        if name is not None:
            yield name
        name = Span(word.start, word.end, of[0], 0.6, f"{of[0].lower()}.again")
    if name is not None:
        yield name


def _inside(sentence: Sentence, found: Sequence[Span]) -> Iterator[Span | None]:
    """Of each word the span that it is in."""
    spans = sorted((span for span in found if span.type in _TYPES and span.score > _GUESSED), key=lambda one: one.start)
    at = 0
    for word in sentence.words:
        while at < len(spans) and spans[at].end <= word.start:
            at += 1
        yield spans[at] if at < len(spans) and spans[at].start <= word.start else None


def _may_be(sentence: Sentence, at: int, word: Word, *, common: bool) -> bool:
    """Who is called like a word is meant with a capital only, and not where a sentence goes on like "Hope you"."""
    if not common:
        return True
    if not word.capital or sentence.loud:
        return False
    if not word.begins or at + 1 == len(sentence.words):
        return True
    follows = sentence.words[at + 1]
    return follows.folded in FOLLOWS_NAME or not follows.never
