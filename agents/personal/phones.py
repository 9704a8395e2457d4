"""Telephone numbers: by their look, by the numbering plan of their country, and by the words around them."""

import re
import string
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import phonenumbers

from agents.personal.reading import Reading
from agents.personal.spans import Span

_MOST_GROUPS = 9
_CANDIDATE = re.compile(
    r"(?<!\w)(?<!\w[-.,/:])(?<![#$€£][ ])(?<![#$€£])"
    r"(?:\+[ ]?|\(\+?)?\(?\d{1,15}+\)?"
    rf"(?:(?:[ ]?[-./][ ]?|[ ]|(?=\()|(?<=\)))\(?\d{{1,15}}+\)?){{0,{_MOST_GROUPS - 1}}}"
    r"(?P<extension>[ ]?,?[ ]?(?:x|extn?\.?|extension|durchwahl|dw|poste|int\.?)[ ]?\d{1,6})?"
    r"(?![^\W_]|[.,:]\d|[ ]?[€$£%])",
    re.IGNORECASE,
)
_NANP = re.compile(r"(?:1[-. ]?)?(?:\(\d{3}\)[ ]?|\d{3}[-. ])\d{3}[-. ]\d{4}\Z")
_AREA = re.compile(r"\(0?\d{2,4}\) ?\d{3,5}[ .-]\d{3,4}\Z")
_NONE = re.compile(
    r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:19|20)\d\d)(?:[ ]\d{1,2})?(?!\d)"
    r"|\d{1,3}(?:\.\d{1,3}){3}\Z|(?:19|20)\d\d[ ]?[-/][ ]?(?:19|20)\d\d\Z"
)
"""Dates, addresses of machines, years from and to."""
_OTHER = re.compile(r"[1-9]\d{0,2}(?:(?:\.\d{3})+|(?:[ ]\d{3})*[ ]000)\Z|\d{3}-\d{2}-\d{4}\Z")
"""Thousands, and what would be a social security number."""
_EPOCH = re.compile(r"1[4-9]\d{8}(?:\d{3})?\Z")
_ABROAD = re.compile(r"00[1-9]\d{7}")
_TRUNK = re.compile(r"0[1-9]\d{9}\Z")
"""In one piece, with the zero that is dialled inside a country: other numbers begin with none."""
_BOOK = re.compile(r"97[89]\d{10}\Z")
_GROUP = re.compile(r"\d+")
_BETWEEN = str.maketrans("", "", string.ascii_letters + string.punctuation)
_FEWEST, _MOST = 6, 15
_FEWEST_UNSAID = 8
_WIDEST_CALL = 24
_LONGEST_PART = 72
"""Fifteen digits with what stands between, and the word behind."""
_FEWEST_LONE, _MOST_LONE = 10, 12
_LIKELY, _CLEAR = 0.5, 0.65
_SPELLED_OUT = 1.6
"""Digits a group: with fewer, each digit stands for itself and there are no numbers among them to be told apart."""


_Seen = dict[tuple[int, int], Span | None]


def phones(reading: Reading) -> Iterator[Span]:
    """Six to fifteen digits (E.164), grouped as people group them."""
    position = 0
    seen: _Seen = {}
    while match := _CANDIDATE.search(reading.text, position):
        position = match.end()
        if position - match.start() < _FEWEST:
            continue
        whole = _span(reading, match.start(), match.end(), match["extension"] or "")
        if whole is not None and whole.score >= _LIKELY:
            yield whole
            continue
        row = _row(reading.text, match.start(), match.end())
        parts = [*_parts(reading, row, seen)] if row.has_numbers else []
        yield from parts or ([whole] if whole else [])
        if row.groups >= _MOST_GROUPS:
            position = parts[-1].end if parts else _next_in_row(reading, row)


@dataclass(slots=True)
class _Row:
    """Numbers side by side."""

    chunks: list[tuple[int, int]]
    digits: list[int]
    """Of each chunk."""
    groups: int
    spelled_out: bool
    has_numbers: bool


def _row(text: str, start: int, end: int) -> _Row:
    whole = text[start:end]
    chunks, digits, at = [], [], start
    for piece, counted in zip(whole.split(" "), whole.translate(_BETWEEN).split(" "), strict=True):
        if piece:
            chunks.append((at, at + len(piece)))
            digits.append(len(counted))
        at += len(piece) + 1
    groups = len(_GROUP.findall(whole))
    spelled = sum(digits) < _SPELLED_OUT * groups
    return _Row(chunks, digits, groups, spelled, not (spelled or _OTHER.match(whole) or _ONE_DIGIT.fullmatch(whole)))


_WORDS = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_DIGIT = rf"(?:\d|{_WORDS})"
_ONE_BY_ONE = re.compile(
    rf"(?<![\w.,-])(?:\+ ?)?(?:(?:double|triple) )?{_DIGIT}(?:[ -](?:(?:double"
    rf"|triple) )?{_DIGIT}(?!\w)){{6,}}+",
    re.IGNORECASE,
)
_SAYS_NUMBER = re.compile(r"\b(?:number|no|nr|is|its|at|on)\b\W{0,3}\Z", re.IGNORECASE)
_TWO_WORDS = re.compile(rf"{_WORDS}[ -](?:double |triple )?(?:{_WORDS}|\d\b)", re.IGNORECASE)
_FEWEST_WORDS, _WIDEST = 3, 12


def spelled_phones(reading: Reading) -> Iterator[Span]:
    """Digit by digit, in signs beside a word that says so, or in words."""
    words_too = reading.has("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    if not reading.clues.any("phone") and not (words_too and _TWO_WORDS.search(reading.text)):
        return
    for match in _ONE_BY_ONE.finditer(reading.text):
        digits = re.split("[ -]", match[0])
        if len(digits) > _MOST:
            continue
        words = sum(digit.isalpha() for digit in digits)
        said = _SAYS_NUMBER.search(reading.text, max(0, match.start() - _WIDEST), match.start())
        if (words >= _FEWEST_WORDS and said) or reading.clues.near("phone", *match.span(), after=12):
            yield Span(match.start(), match.end(), "PHONE", 0.7, "phone.spelled")


def _tried_to(row: _Row) -> int:
    """Numbers that begin behind this may go on behind the row; all others have been tried."""
    if row.spelled_out:
        return row.chunks[len(row.chunks) // 2][1]
    first, left = 1, sum(row.digits) - row.digits[0]
    while first < len(row.chunks) - 1 and left > _MOST:
        left -= row.digits[first]
        first += 1
    return row.chunks[first - 1][1]


_GOES_ON = re.compile(r"(?:[ ]?[-./][ ]?|[ ])(?P<group>\(?\d{1,15}+\)?)")


def _next_in_row(reading: Reading, row: _Row) -> int:
    """Where the next number may begin: a row that is as long as the text is gone through once."""
    tried = _tried_to(row)
    last = deque((start for start, _ in row.chunks if start >= tried), maxlen=_MOST_GROUPS - 1)
    for start in last:
        if _may_begin(reading, start):
            return start
    position = row.chunks[-1][1]
    while last and (match := _GOES_ON.match(reading.text, position)):
        position = match.end()
        last.append(match.start("group"))
        if _may_begin(reading, last[-1]):
            return last[-1]
    return last[0] if last else tried


def _parts(reading: Reading, row: _Row, seen: _Seen) -> Iterator[Span]:
    """Numbers inside a row of numbers: the longest first, from the left."""
    chunks, before = row.chunks, [0, *accumulate(row.digits)]
    first = 0
    while first < len(chunks):
        if not _may_begin(reading, chunks[first][0], _BEGINS_CLEARLY):
            first += 1
            continue
        for last in range(len(chunks) - 1, first - 1, -1):
            if not _FEWEST <= before[last + 1] - before[first] <= _MOST:
                continue
            stretch = (chunks[first][0], chunks[last][1])
            if stretch not in seen:
                seen[stretch] = _span(reading, *stretch)
            part = seen[stretch]
            if part is not None and part.score >= _CLEAR:
                yield part
                first = last
                break
        first += 1


_NATIONAL = r"\d{2,4}\)[ ]?\d{3,5}[ .-]\d)|(?:1[-. ]?)?\d{3}[-. ]\d{3}[-. ]\d{4}(?!\d)"
_BEGINS = re.compile(rf"[+0]|\((?:[+0]|{_NATIONAL}")
_BEGINS_CLEARLY = re.compile(rf"\+|0\d|\((?:\+|0\d|{_NATIONAL}")
_ONE_DIGIT = re.compile(r"\D*(\d)(?:\1|\D)*")


def _may_begin(reading: Reading, start: int, begins: re.Pattern[str] = _BEGINS) -> bool:
    """A number inside a row: all others are not worth a look, however many a row has."""
    said = reading.clues.near("phone", start, start, after=_LONGEST_PART)
    return said or begins.match(reading.text, start) is not None


def _span(reading: Reading, start: int, end: int, extension: str = "") -> Span | None:
    number = reading.text[start:end]
    if number.startswith("(") and ")" not in number:
        start, number = start + 1, number[1:]
    if number.endswith(")") and "(" not in number:
        end, number = end - 1, number[:-1]
    main = number[: len(number) - len(extension)]
    groups = _GROUP.findall(main)
    digits = "".join(groups)
    if not _FEWEST <= len(digits) <= _MOST or digits == digits[0] * len(digits):
        return None
    score = _score(reading, start, end, main, groups, digits)
    return Span(start, end, "PHONE", score, "phone") if score > 0 else None


def _score(reading: Reading, start: int, end: int, number: str, groups: list[str], digits: str) -> float:
    if _NONE.match(number):
        return 0.0
    counted = reading.clues.near("count", start, end, before=18)
    said = reading.clues.near("phone", start, end, after=12)
    if said and (not counted or _is_called(reading.text, start)):
        return 0.85
    looks = _looks(reading, number, groups, digits)
    return looks - 0.3 if counted or _BOOK.match(digits) else looks


_CALLED = re.compile(
    r"\b(?:tel(?:ephone|efon|efone)?|phone|mobile?|cell|fax|whatsapp|handy|my line|phone (?:no|number)|contact)"
    r"(?: (?:is|no|number))?[.:]{0,2} ?\Z",
    re.IGNORECASE,
)


def _is_called(text: str, start: int) -> bool:
    """Right before it: whatever else is counted farther away."""
    return _CALLED.search(text, max(0, start - _WIDEST_CALL), start) is not None


def _looks(reading: Reading, number: str, groups: list[str], digits: str) -> float:
    """How much it looks like one, whatever is said around it."""
    if number.lstrip("(").startswith("+") or _ABROAD.match(digits):
        return 0.9 if not reading.may_prove() or _is_possible(digits) else 0.6
    if _NANP.match(number):
        return 0.85
    if len(groups) == 1:
        if _TRUNK.match(digits):
            return 0.5
        lone = not _EPOCH.match(digits) and _FEWEST_LONE <= len(digits) <= _MOST_LONE
        return 0.5 if lone and _is_of(reading, digits) else 0.3
    if len(digits) < max(_FEWEST_UNSAID, _SPELLED_OUT * len(groups)) or _OTHER.match(number):
        return 0.3
    if _AREA.match(number) or (digits[0] == "0" and groups[0] != "0"):
        return 0.65
    return 0.6 if _is_of(reading, digits) else 0.3


def _is_of(reading: Reading, digits: str) -> bool:
    """In a range that the plan of one of the policy's regions has given out."""
    return _plans(reading.regions).fullmatch(digits) is not None


_KINDS = ("fixed_line", "mobile", "toll_free", "voip", "personal_number")


@cache
def _plans(regions: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_plan, regions)) or "(?!)")


def _plan(region: str) -> str:
    """Numbers of one region, with or without the prefix that is dialled inside it."""
    known = phonenumbers.PhoneMetadata.metadata_for_region(region)
    kinds = (getattr(known, kind, None) for kind in _KINDS)
    ranges = sorted({kind.national_number_pattern or "" for kind in kinds if kind} - {""})
    return rf"(?:{getattr(known, 'national_prefix', None) or '(?!)'})?(?:{'|'.join(ranges)})"


def _is_possible(digits: str) -> bool:
    """Of a country that exists, and as long as its numbers are."""
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse("+" + digits.removeprefix("00")))
    except phonenumbers.NumberParseException:
        return False
