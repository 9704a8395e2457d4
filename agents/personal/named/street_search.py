"""Streets and their numbers, in the orders of several countries."""

import re
from collections.abc import Iterator

from agents.personal.named.street_text import BEFORE_FLAT, INSIDE, StreetText
from agents.personal.named.streets import (
    ALONE,
    APART,
    AT_THE,
    COMPOUNDS,
    ENGLISH,
    FLATS,
    LONG_COMPOUNDS,
    LOWER_COMPOUNDS,
    MAYBE_ROMANCE,
    NUMBER_WORDS,
    ROMANCE,
    SAYS_ADDRESS,
    SHORT_COMPOUNDS,
    SMALL,
    SURE,
)

_ORDINAL = re.compile(r"\d{1,3}(?:st|nd|rd|th)\Z")
_NO_PART = frozenset(("of", "at", "instead", "in", "to", "and", "or", "the", "is", "was", "lives", "live", "from"))
_LONGEST_BEHIND = 4
"""Digits of a house's number behind its street: longer ones are post codes."""
_MOST_NAME, _MOST_COMPOUND, _MOST_SHORT, _MOST_BEFORE_NUMBER = 5, 3, 3, 7

_Found = Iterator[tuple[int, int, float, str]]
"""First word, last word, score, detector."""


class Streets(StreetText):
    """`at` gives what stands at one word of the text."""

    def at(self, at: int) -> _Found:
        """Driven by numbers, and by kinds of street."""
        word = self.words[at]
        if word.letters:
            if word.folded in ROMANCE and word.folded not in ENGLISH:
                yield from self._kind_alone(at)
            elif word.capital and word.folded in SURE:
                yield from self._name_alone(at)
            elif word.folded in FLATS:
                yield from self._before_flat(at)
        elif _ORDINAL.match(word.folded):
            yield from self._ordinal(at)
        elif self._has_letters_beside(at) and self.is_house(word):
            numbered = [*self._number_first(at)]
            yield from numbered
            yield from self._number_last(at)
            if self.says:
                yield from self._said(at, behind=INSIDE if numbered else INSIDE | {", "})

    def _has_letters_beside(self, at: int) -> bool:
        """Else it is one of a row of numbers: the first and the last of them are looked at."""
        if at + 1 < len(self.words):
            following = self.words[at + 1]
            if following.letters or self.gap(at) != " " or _ORDINAL.match(following.folded):
                return True
        return at > 0 and self.words[at - 1].letters

    def _number_first(self, at: int) -> _Found:
        """As in "12 Baker Street", "4, rue de la Paix", "12/34 Park Lane"."""
        first, number = self.from_unit(at), self.through_number(at)
        if number + 2 >= len(self.words) or self.gap(number) not in {" ", ", ", "\n"}:
            return
        if self._is_kind_ahead(number + 1):
            yield first, self._name_end(number + 2), 0.75, "address.numbered"
            return
        if self._is_compound_ahead(number + 1):
            yield (
                first,
                number + 1 + (not self.words[number + 1].folded.endswith(LONG_COMPOUNDS)),
                0.66,
                "address.compound",
            )
            return
        if self.words[number + 1].capital and self.words[number + 1].folded in ALONE:
            yield first, number + 1, 0.7, "address.alone"
            return
        kind = self._kind_behind(number)
        score = self._english_score(number, kind) if kind else 0.0
        if score:
            yield first, kind, score, "address.english"

    def _kind_behind(self, number: int) -> int:
        """The last of the English kinds behind a name, as in "12 Mill Hill Lane"; 0 where there is none."""
        kind = 0
        for following in range(number + 1, min(number + 2 + _MOST_NAME, len(self.words))):
            word = self.words[following]
            if following > number + 1 and self.gap(following - 1) not in INSIDE:
                break
            if word.letters and following > number + 1 and word.folded in ENGLISH:
                kind = following
            elif kind or not (word.letters or _ORDINAL.match(word.folded)):
                break
        return kind

    def _ordinal(self, at: int) -> _Found:
        """As in "5th Avenue" and "5th Avenue 725"."""
        kind = at + 1
        if kind == len(self.words) or self.gap(at) != " " or self.words[kind].folded not in SURE | {"st"}:
            return
        behind = kind + 1 < len(self.words) and self.gap(kind) in {" ", ", "} and self.is_house(self.words[kind + 1])
        if behind or self.words[kind].capital:
            yield at, self.through_number(kind + 1) if behind else kind, 0.65 if behind else 0.55, "address.ordinal"

    def _is_compound_ahead(self, at: int) -> bool:
        """One word with a capital that ends as streets do, or two."""
        for word in self.words[at : at + 2]:
            if not word.capital:
                return False
            if len(word.folded) > 6 and word.folded.endswith(LONG_COMPOUNDS):
                return True
        return False

    def _english_score(self, number: int, kind: int) -> float:
        name, street = self.words[number + 1 : kind], self.words[kind]
        capitals = all(word.capital or not word.letters or word.folded in SMALL for word in name)
        if street.folded in SURE or (street.folded == "st" and not name[-1].capital):
            return 0.85 if capitals else 0.62 if len(name) <= 2 else 0.0
        if capitals and street.capital:
            return 0.8
        return 0.55 if self.follows(number, SAYS_ADDRESS) else 0.0

    def _is_kind_ahead(self, at: int) -> bool:
        word, following = self.words[at], self.words[at + 1]
        if self.gap(at) not in {" ", ". "} or not following.letters:
            return False
        return (word.folded in ROMANCE and (word.folded not in ENGLISH or self.leads_to_capital(at + 1))) or (
            word.folded in MAYBE_ROMANCE and self.leads_to_capital(at + 1)
        )

    def _name_end(self, at: int) -> int:
        """The last word of a name that follows its kind: small words and the first that is none, then capitals."""
        last, named = at, self.words[at].folded not in SMALL
        while last + 1 < len(self.words) and last - at < _MOST_NAME and self.gap(last) in INSIDE:
            word = self.words[last + 1]
            if not word.letters or not (word.capital or word.folded in SMALL or not named):
                break
            named = named or word.folded not in SMALL
            last += 1
        while last > at and self.words[last].folded in SMALL and not self.words[last].capital:
            last -= 1
        return last

    def _number_last(self, at: int) -> _Found:
        """As in "Hauptstr. 5", "Am Markt 3", "Calle de Alcalá, 12", "ul. Długa 4/6"."""
        before = at - 1
        if sum(map(str.isdigit, self.words[at].folded)) > _LONGEST_BEHIND:
            return
        while (
            before >= 0
            and self.words[before].folded in NUMBER_WORDS
            and self.gap(before) in {" ", ". ", "° ", ".", ": ", ":"}
        ):
            before -= 1
        if before < 0 or self.gap(before) not in {" ", ", ", ". ", ".", " , "} or not self.words[before].letters:
            return
        word, last = self.words[before], self.through_number(at)
        ending = word.folded if word.folded in APART else None
        if ending is None and len(word.folded) > 2 and word.folded.endswith(COMPOUNDS):
            ending = next(one for one in COMPOUNDS if word.folded.endswith(one))
        if ending and self.gap(before) in {" ", ". ", "."} and self._is_compound(before, ending):
            yield self._name_start(before), last, 0.8 if word.capital else 0.62, "address.compound"
        else:
            yield from self._kind_before(before, last)

    def _kind_before(self, before: int, last: int) -> _Found:
        """`before` is the last word of the name, `last` that of the number."""
        word = self.words[before]
        for back in range(before - 1, max(-1, before - _MOST_BEFORE_NUMBER), -1):
            kind = self.words[back]
            if (self.gap(back) not in INSIDE or self.ends_sentence(back)) and not self._is_calle(back):
                break
            if kind.folded in AT_THE and before - back <= 2 and word.capital and kind.folded != "in":
                if kind.capital or self.follows(back, SAYS_ADDRESS):
                    yield back, last, 0.6, "address.at"
                break
            if kind.folded in ROMANCE or self._is_maybe_kind(back):
                yield back, last, 0.78, "address.kind"
                break
            if kind.folded in _NO_PART or (not kind.capital and kind.folded not in SMALL and before - back > 2):
                break

    def _is_maybe_kind(self, at: int) -> bool:
        abbreviated = self.gap(at) == ". " or self._is_calle(at)
        return self.words[at].folded in MAYBE_ROMANCE and (
            abbreviated or (self.gap(at) == " " and self.leads_to_capital(at + 1))
        )

    def _is_calle(self, at: int) -> bool:
        """As in "C/ Mayor"."""
        return self.words[at].folded == "c" and self.gap(at) in {"/", "/ "}

    def _is_compound(self, at: int, ending: str) -> bool:
        word = self.words[at]
        if word.folded == ending:
            named = at > 0 and self.gap(at - 1) in {" ", "-"} and self.words[at - 1].letters
            said = named and (self.follows(at - 1, SAYS_ADDRESS) or (at > 1 and self.follows(at - 2, SAYS_ADDRESS)))
            return named and (
                said or (self.words[at - 1].capital and (word.capital or ending in LOWER_COMPOUNDS | APART))
            )
        return ending not in SHORT_COMPOUNDS or (word.capital and len(word.folded) > len(ending) + 2)

    def _name_start(self, at: int) -> int:
        """As in "Alte Landstraße", "Karl-Marx-Allee"."""
        first = at
        while first and at - first < _MOST_COMPOUND:
            word, gap = self.words[first - 1], self.gap(first - 1)
            if word.folded in _NO_PART and gap != "-":
                break
            lower = gap == " " and self.words[at].folded in LOWER_COMPOUNDS and not self.follows(first, SAYS_ADDRESS)
            if not (gap == "-" or (gap in {" ", ". "} and word.capital) or lower):
                break
            first -= 1
        return first

    def _said(self, at: int, behind: frozenset[str]) -> _Found:
        """Where the words before say that it is an address: a number and words, or words with capitals and a number.

        `behind`: what may stand before a number that is the last.
        """
        number = self.through_number(at)
        first = self.from_unit(at)
        if self.follows(first, SAYS_ADDRESS) and number + 1 < len(self.words) and self.gap(number) in {" ", ", "}:
            last = number + 1
            while (
                last + 1 < len(self.words)
                and last - number < _MOST_SHORT
                and self.in_sentence(last)
                and self.words[last + 1].capital
            ):
                last += 1
            if self.words[last].letters and self.words[number + 1].capital:
                yield first, last, 0.6, "address.said"
                return
        first = at
        while first and at - first < _MOST_NAME and self.gap(first - 1) in behind and self.words[first - 1].letters:
            first -= 1
            if self.follows(first, SAYS_ADDRESS) and self.words[first].capital:
                capitals = all(word.capital or word.folded in SMALL for word in self.words[first:at])
                yield first, number, 0.62 if capitals else 0.5 if at - first == 1 else 0.4, "address.said"
                return

    def _kind_alone(self, at: int) -> _Found:
        """As in "rue de la Paix"."""
        if at + 1 < len(self.words) and self.gap(at) in {" ", ". "} and self.leads_to_capital(at + 1):
            yield at, self._name_end(at + 1), 0.55, "address.kind"

    def _before_flat(self, at: int) -> _Found:
        """As in "72 Xyxyx, Apt. 4", whatever the street is called: words with capitals and numbers."""
        if not self.is_flat(at) or not at or self.gap(at - 1) not in BEFORE_FLAT:
            return
        first = at
        while first and at - first < _MOST_NAME and (first == at or self.gap(first - 1) in INSIDE):
            word = self.words[first - 1]
            if not (word.capital or self.is_house(word) or (word.folded in SMALL and first < at)):
                break
            first -= 1
        words = self.words[first:at]
        if any(self.is_house(word) for word in words) and any(word.letters for word in words):
            yield first, at - 1, 0.7, "address.flat"

    def _name_alone(self, at: int) -> _Found:
        """As in "Baker Street"."""
        first = at
        while first and at - first < _MOST_SHORT and self.gap(first - 1) == " " and self.words[first - 1].capital:
            first -= 1
        if first == at:
            return
        if at + 1 < len(self.words) and self.gap(at) == " " and self.is_number_of(at + 1):
            yield first, self.through_number(at + 1), 0.65, "address.reversed"
        else:
            yield first, at, 0.52, "address.named"
