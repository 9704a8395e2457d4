"""Names in a text: what lists, letters and neighbours make clear, and a model's word on what stays in doubt."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter

from agents.personal.named.again import again
from agents.personal.named.candidate import Candidate
from agents.personal.named.companies import companies
from agents.personal.named.doubts import Answer, Named, Recognise, ask
from agents.personal.named.forms import names_in_forms
from agents.personal.named.listed import Listed
from agents.personal.named.people import are_listed, person_at
from agents.personal.named.places import place_at
from agents.personal.named.scripts import foreign_names
from agents.personal.named.sentence import Sentence, read_sentence
from agents.personal.named.town_codes import town_codes
from agents.personal.named.user_names import said_users, user_names
from agents.personal.reading import Reading
from agents.personal.spans import PersonalType, Span

_start = attrgetter("start")
_CLEAR, _DOUBT = 0.5, 0.2
_LABELS: dict[str, PersonalType] = {"PERSON": "PERSON", "GPE": "PLACE", "LOC": "PLACE", "FAC": "PLACE", "ORG": "ORG"}
_LISTING = frozenset({", ", ",", " , ", "; ", ";", " / ", " | ", "\t", ",\n"})
_CELLS = frozenset({"\t", ";", " | ", "|", ","})
_LISTS = {"PLACE": _LISTING, "PERSON": _CELLS}
_UNREAD = 0.35
"""From this score on, a doubt that the model could not be asked about is taken for a name."""


_Found = tuple[PersonalType, Candidate]


@dataclass(frozen=True, slots=True)
class Names:
    """A detector."""

    listed: Listed
    recognise: Recognise

    def __call__(self, reading: Reading) -> Iterator[Span]:
        """What is clear without the model costs nothing of it."""
        sentence = read_sentence(reading.text, self.listed)
        yield from foreign_names(reading.text)
        yield from user_names(reading.text, self.listed)
        yield from names_in_forms(reading)
        yield from said_users(reading, self.listed)
        for company in companies(sentence):
            yield _span(sentence, company, "ORG", "org.form")
        clear, doubts = _with_company(sentence, *_candidates(sentence))
        found = [_span(sentence, one, kind, f"{kind.lower()}.clear") for kind, one in clear]
        if doubts:
            found += _settled(sentence, doubts, ask(sentence, [one for _, one in doubts], self.recognise))
        yield from found
        yield from town_codes(reading.text, found)
        yield from again(sentence, found)


def _candidates(sentence: Sentence) -> tuple[list[_Found], list[_Found]]:
    """What is clear, and what is in doubt."""
    clear: list[_Found] = []
    doubts: list[_Found] = []
    at = 0
    while at < len(sentence.words):
        word = sentence.words[at]
        if (word.common or len(word.text) == 1) and not word.capital and not _may_begin(sentence, at):
            at += 1
            continue
        behind = bool(clear) and clear[-1][1].last == at - 1 and sentence.gap(at - 1) in _LISTS[clear[-1][0]]
        best = _best(sentence, at, behind_place=behind)
        if best is None or best[1].score < _DOUBT:
            at += 1
            continue
        (clear if best[1].score >= _CLEAR else doubts).append(best)
        at = best[1].last + 1
    return clear, doubts


def _with_company(sentence: Sentence, clear: list[_Found], doubts: list[_Found]) -> tuple[list[_Found], list[_Found]]:
    """In a list of people, who stands beside one is one: "Xyxyx, Miller and Blargon". Gives what is clear, and not."""
    if not doubts:
        return clear, doubts
    found = sorted([*clear, *doubts], key=lambda one: one[1].first)
    people = {one[1].first for one in clear if one[0] == "PERSON"}
    doubted = {one[1].first for one in doubts}
    for step in (1, -1):
        ordered = found[::step]
        for one, beside in pairwise(ordered):
            if (
                one[1].first in people
                and beside[1].first in doubted
                and are_listed(sentence, *(one[1], beside[1])[::step])
            ):
                people.add(beside[1].first)
    joined = [replace(one, score=max(one.score, _CLEAR)) for _, one in doubts if one.first in people]
    return [*clear, *(("PERSON", one) for one in joined)], [one for one in doubts if one[1].first not in people]


def _may_begin(sentence: Sentence, at: int) -> bool:
    """A common word without a capital can begin the name of a place."""
    return sentence.words[at].folded in sentence.listed.longest_places


def _best(sentence: Sentence, at: int, *, behind_place: bool) -> _Found | None:
    word = sentence.words[at]
    person = person_at(sentence, at) if word.capital or len(word.text) > 1 else None
    place = place_at(sentence, at, behind_place=behind_place)
    if place is not None and sentence.names_quiet_company(place.last):
        place = None
    if place is not None and (person is None or (place.score, place.last) > (person.score, person.last)):
        return "PLACE", place
    return None if person is None else ("PERSON", person)


def _span(sentence: Sentence, found: Candidate, kind: PersonalType, detector: str) -> Span:
    start, end = sentence.words[found.first].start, sentence.words[found.last].end
    return Span(start, end, kind, min(found.score, 0.89), detector)


def _settled(sentence: Sentence, doubts: list[_Found], answer: Answer) -> Iterator[Span]:
    """Each doubt by what the model says of its words."""
    for kind, found in doubts:
        span = _span(sentence, found, kind, f"{kind.lower()}.model")
        if span.start >= answer.read_to:
            if found.score >= _UNREAD:
                yield Span(span.start, span.end, kind, 0.5, f"{kind.lower()}.unread")
            continue
        for named in answer.named:
            if named.start < span.end and span.start < named.end and named.label in _LABELS:
                start, end = _widened(sentence, span, named)
                yield Span(start, end, _LABELS[named.label], min(0.85, found.score + 0.35), span.detector)


def _widened(sentence: Sentence, span: Span, named: Named) -> tuple[int, int]:
    """With what else the model has named, unless that cannot be part of a name."""
    at = bisect_left(sentence.words, named.start, key=_start)
    while at < len(sentence.words) and sentence.words[at].start < named.end:
        if sentence.words[at].never:
            return span.start, span.end
        at += 1
    start = named.start if sentence.text[named.start].isupper() else span.start
    return min(span.start, start), max(span.end, named.end)
