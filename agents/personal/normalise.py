"""A text as detectors read it, with a way back to the text as given.

Undone are: escapes (percent, HTML, backslash), compatibility forms (NFKC for each character), marks that are written
apart, invisible characters, exotic spaces, hyphens and quotes, digits of other scripts, look-alikes inside Latin words.
Case and words stay. Linear.
"""

import html
import re
import unicodedata
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from agents.personal.homoglyphs import ALWAYS, IN_MIXED_WORDS


@dataclass(frozen=True, slots=True)
class Normalised:
    """`text` with, for each of its characters, where it came from; None where each stands for the one in its place."""

    text: str
    starts: "array[int] | None" = None
    ends: "array[int] | None" = None

    def back(self, start: int, end: int) -> tuple[int, int]:
        """A range that is not empty, as offsets of the text as given."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


_ESCAPED = re.compile(
    r"(?P<percent>(?:%(?:25){0,2}[0-9A-Fa-f]{2})+)"
    r"|(?P<entity>&(?:amp;)?(?:\#\d{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});)"
    r"|\\{1,2}(?:u(?P<hex4>[0-9A-Fa-f]{4})|x(?P<hex2>[0-9A-Fa-f]{2})|(?P<white>[nrt]))"
)
_ALIKE = re.compile(r"[\x00-\x7e]+|[^\x00-\x7e]")
_UNIT = re.compile(r"%(?:25){0,2}([0-9A-Fa-f]{2})")
_MIXED = re.compile(r"\w+")
_LATIN_OR_DIGIT = re.compile(r"[A-Za-z0-9]")
_INVISIBLE = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u2060\u2061\u2062\u2063\u2064\u20e3\u3164\ufeff"
    "\uffa0"
)
_PLAIN = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u02b9\u2032\u00b4\uff07", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
    **dict.fromkeys("\u2212\u2043\u2796", "-"),
    **dict.fromkeys("\u2044\u2215\u29f8", "/"),
    **dict.fromkeys("\u3002\u2024\u06d4", "."),
    **dict.fromkeys("\u2028\u2029\u0085\u000b\u000c", "\n"),
    "\u2800": " ",
}
_ENCLOSED = (0x1F130, 0x1F150, 0x1F170, 0x1F1E6)
"""Where the letters from A to Z stand in squares and circles."""
_LETTERS = 26


def normalise(text: str) -> Normalised:
    """See the module."""
    if _ESCAPED.search(text) is None:
        if text.isascii():
            return Normalised(text)
        folds = {ord(one): _folded(one) for one in set(text) if one > "\x7e"}
        if all(len(folded) == 1 and not unicodedata.combining(folded) for folded in folds.values()):
            return Normalised(_without_lookalikes(text.translate(folds)))
    characters: list[str] = []
    starts, ends = array("L"), array("L")
    for given, start, end in _unescaped(text):
        if given < "\x7f" and len(given) == end - start:
            characters += given
            starts.extend(range(start, end))
            ends.extend(range(start + 1, end + 1))
            continue
        folded = given if given < "\x7f" else _folded(given)
        if _joins(characters, folded):
            _join(characters, folded)
            ends[-1] = end
            continue
        for character in folded:
            characters.append(character)
            starts.append(start)
            ends.append(end)
    return Normalised(_without_lookalikes("".join(characters)), starts, ends)


def _unescaped(text: str) -> Iterator[tuple[str, int, int]]:
    """Characters with where they stand; of ASCII, as many as stand side by side."""
    position = 0
    for match in _ESCAPED.finditer(text):
        yield from _as_given(text, position, match.start())
        yield from _meant(match)
        position = match.end()
    yield from _as_given(text, position, len(text))


def _as_given(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    for match in _ALIKE.finditer(text, start, end):
        yield match[0], match.start(), match.end()


def _meant(match: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    start, end = match.span()
    if match["percent"]:
        yield from _percent_decoded(match[0], start)
    elif match["entity"]:
        for character in html.unescape(html.unescape(match[0])):
            yield character, start, end
    elif match["white"]:
        yield ("\t" if match["white"] == "t" else "\n"), start, end
    else:
        yield chr(int(match["hex4"] or match["hex2"], 16)), start, end


def _percent_decoded(run: str, offset: int) -> Iterator[tuple[str, int, int]]:
    """Bytes of UTF-8, each `%XX`; what is none stays as it is."""
    units = [*_UNIT.finditer(run)]
    octets = bytes(int(unit[1], 16) for unit in units)
    position = 0
    while position < len(units):
        width = _width(octets[position])
        piece = octets[position : position + width].decode("utf-8", "ignore")
        width = width if len(piece) == 1 else 1
        start, end = units[position].start() + offset, units[position + width - 1].end() + offset
        if len(piece) == 1:
            yield piece, start, end
        else:
            for at in range(start, end):
                yield run[at - offset], at, at + 1
        position += width


_WIDTHS = ((0xF0, 4), (0xE0, 3), (0xC0, 2), (0, 1))


def _width(octet: int) -> int:
    return next(width for least, width in _WIDTHS if octet >= least)


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    """What one character stands for; nothing for an invisible one."""
    category = unicodedata.category(character)
    if character in _PLAIN:
        return _PLAIN[character]
    if category == "Cf" or character in _INVISIBLE or _selects_variant(character):
        return ""
    if category == "Pd":
        return "-"
    value = unicodedata.digit(character, None)
    if value is not None:
        return str(value)
    for first in _ENCLOSED:
        if first <= ord(character) < first + _LETTERS:
            return chr(ord(character) - first + ord("A"))
    if category == "Zs":
        return " "
    return "".join(_PLAIN.get(one, one) for one in unicodedata.normalize("NFKC", character)).translate(ALWAYS)


def _selects_variant(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _joins(characters: list[str], folded: str) -> bool:
    """A mark behind a letter of a script that has marks only for decoration, or behind a digit or sign."""
    if len(folded) != 1 or not characters or not unicodedata.combining(folded):
        return False
    base = characters[-1]
    return base < "\u0530" or "\u1e00" <= base < "\u2000"


def _join(characters: list[str], mark: str) -> None:
    """One letter where Unicode has one for both; else the mark goes."""
    composed = unicodedata.normalize("NFC", characters[-1] + mark)
    if len(composed) == 1:
        characters[-1] = composed


def _without_lookalikes(text: str) -> str:
    return text if text.isascii() else _MIXED.sub(_plain_word, text)


def _plain_word(match: re.Match[str]) -> str:
    word = match[0]
    return word.translate(IN_MIXED_WORDS) if not word.isascii() and _LATIN_OR_DIGIT.search(word) else word
