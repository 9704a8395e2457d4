"""What a model is asked: the words around a doubt, in the form that it knows best."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from agents.personal.named.candidate import Candidate
from agents.personal.named.sentence import Sentence

Entity = tuple[int, int, str]
"""Tokens from and to (half-open) and one of OntoNotes' labels: PERSON, GPE, LOC, FAC, ORG."""
Recognise = Callable[[Sequence[str], Sequence[bool]], list[Entity]]
"""Tokens, and whether a space follows each, to what is named in them."""

_TOKEN = re.compile(r"'s\b|\w+|[^\w\s]")
_BEFORE, _AFTER = 70, 60
_END_OF_SENTENCE = re.compile(r"[.!?]\s|\n")
_MOST_TOKENS, _CHARACTERS_A_TOKEN = 110, 400
_LONGEST_TOKEN = 30
_WIDEST_WINDOW = 300


@dataclass(frozen=True, slots=True)
class Named:
    """In the text, half-open."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model has named. It was shown nothing beyond `read_to`: there is a limit to what a text may cost."""

    named: tuple[Named, ...]
    read_to: int


def ask(sentence: Sentence, doubts: Sequence[Candidate], recognise: Recognise) -> Answer:
    """All at once."""
    tokens: list[str] = []
    spaces: list[bool] = []
    places: list[tuple[int, int]] = []
    left = _MOST_TOKENS + len(sentence.text) // _CHARACTERS_A_TOKEN
    read_to = len(sentence.text)
    capitals = _missing_capitals(sentence)
    for start, end in _windows(sentence, doubts):
        matches = [*_TOKEN.finditer(sentence.text, start, end)]
        if len(matches) > left:
            read_to = start
            break
        left -= len(matches) + 1
        for match in matches:
            word = match[0][:_LONGEST_TOKEN]
            tokens.append(word[0].upper() + word[1:] if match.start() in capitals else word)
            spaces.append(sentence.text[match.end() : match.end() + 1] == " ")
            places.append(match.span())
        tokens.append("\n")
        spaces.append(False)
        places.append((end, end))
    found = recognise(tokens, spaces) if tokens else []
    return Answer(tuple(Named(places[first][0], places[last - 1][1], label) for first, last, label in found), read_to)


def _windows(sentence: Sentence, doubts: Sequence[Candidate]) -> Iterator[tuple[int, int]]:
    """The sentence around each doubt, where it is not too long; windows that touch are one.

    One at a time: who asks may have enough before the last.
    """
    window: tuple[int, int] | None = None
    read_to = 0
    text = sentence.text
    for doubt in doubts:
        start, end = sentence.words[doubt.first].start, sentence.words[doubt.last].end
        if end <= (window[1] if window else read_to):
            continue
        least = max(read_to, start - _BEFORE)
        begins = [match.end() for match in _END_OF_SENTENCE.finditer(text, least, start)]
        stop = _END_OF_SENTENCE.search(text, end, end + _AFTER)
        start = begins[-1] if begins else _word_start(text, least)
        end = stop.start() + 1 if stop else _word_end(text, end, end + _AFTER)
        if window and start > window[1]:
            yield window
        window = (window[0] if window and start <= window[1] else start), end
        if window[1] - window[0] > _WIDEST_WINDOW:
            yield window
            read_to, window = window[1], None
    if window:
        yield window


def _word_start(text: str, at: int) -> int:
    space = text.find(" ", at, at + _LONGEST_TOKEN) if at else -1
    return at if space < 0 else space + 1


def _word_end(text: str, least: int, at: int) -> int:
    return len(text) if at >= len(text) else max(least, text.rfind(" ", least, at))


def _missing_capitals(sentence: Sentence) -> set[int]:
    """Where a listed name stands without its capital: the model knows names by them."""
    return {
        word.start
        for word in sentence.words
        if not word.capital and not word.common and not word.never and (word.given or word.surname)
    }
