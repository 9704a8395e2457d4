"""Addresses that begin with a part of a house: "Flat 12C, Tower 4, Lotus Greens", "Ground Floor Flat, 9 Mill Road"."""

import re
from collections.abc import Iterator

from agents.personal.named.listed import fold
from agents.personal.named.streets import BUILDINGS, COMPOUNDS, ENGLISH, MAYBE_ROMANCE, ROMANCE
from agents.personal.reading import Reading
from agents.personal.spans import Span

_NAME = r"[A-ZÀ-Ž][^\W\d_]{0,25}(?:'[^\W\d_]{1,15})?"
_UNIT_NAME = (
    r"(?:flat|plot|house|hse|villa|shop|room|rm|door|sector|block|blk|phase|ward|tower|wing|lane|road|street|floor|level"
    r"|unit|apartment|apt|app|appt|suite|ste|penthouse|lot|studio|office|stand|erf|site|area|zone|section|building|bldg"
    r"|quarter|qtr|khasra|gali|cross|stage|caravan|berth|pitch|mooring|gate|b[âa]t(?:iment)?|esc|escalier|escalera|bloco|apto|piso|scala|interno|lgh"
    r"|stiege|top|h\.? ?no|d\.? ?no)"
)
_UNIT = (
    rf"(?:(?i:{_UNIT_NAME})\.?(?: (?i:no\.?|number))?[ :.#-]{{1,2}}"
    r"(?:[A-Z]?-?\d{1,5}(?:[A-Za-z](?![^\W\d_]))?(?:[/-]\w{1,4}){0,3}|[A-Z]{1,2})(?![\w])"
    r"|R\.?D\.? ?\d{1,2}(?![\w])|(?:\d{1,3}|L?G)/F(?![\w])"
    r"|\#\d{1,4}(?:-\d{1,4}[A-Z]?)?(?![\w-])|[A-Z]-(?i:block|wing|sector|tower)(?![\w])"
    r"|(?i:lower ground|ground|first|second|third|fourth|top|upper|basement|garden|[1-9](?:st|nd|rd|th))"
    r"(?i: floor)?(?i: flat| apartment| maisonette)(?![\w])"
    r"|(?i:(?:lower )?ground|first|second|third|fourth|top|upper|[1-9](?:st|nd|rd|th)) (?i:floor)(?=,))"
)
_BY_NAME = re.compile(
    rf"(?<![\w/.-])(?:{_UNIT}"
    r"|(?:R[ée]sidence|Residencia|Residenza|Residencial|Edif[íi]cio|Condom[íi]nio|Urbanizaci[óo]n|Immeuble|Cit[ée]|T[ŷy]|Haus"
    r"|Villa|Casa|Quinta|Chalet|Hacienda|Finca|Ch[âa]teau|Domaine|Ferme)"
    rf"(?: (?:{_NAME}|de|des|du|la|le|les|da|do|las|los)){{1,4}}(?=, ))"
)
_BY_CODE = re.compile(
    r"(?<![\w/.-])(?:\#\d{1,4}(?:-\d{1,4}[A-Z]?)?(?![\w-])|[A-Z]{1,2}[/-]?\d{1,4}[A-Z]?(?=,? [A-Z])"
    r"|R\.?D\.? ?\d{1,2}(?![\w])|(?:\d{1,3}|L?G)/F(?![\w])|\d{1,2}/\d{1,2}(?=, \d{1,4}[a-z]? [A-Z])"
    r"|\#?\d{1,4}(?:/\d{1,4})?(?=, \d{1,2}(?:st|nd|rd|th) (?:Cross|Main|Floor|Phase|Stage|Block|Street)))"
)
_SAY = (
    *("flat", "plot", "house", "hse", "villa", "shop", "room", "rm", "door", "sector", "bl", "phase", "ward", "tower"),
    *("wing", "lane", "road", "street", "floor", "level", "unit", "ap", "suite", "ste", "penthouse", "lot", "studio"),
    *(
        "office",
        "stand",
        "erf",
        "site",
        "area",
        "zone",
        "section",
        "build",
        "quarter",
        "qtr",
        "khasra",
        "gali",
        "cross",
    ),
    *("stage", "bat", "bât", "esc", "piso", "scala", "interno", "lgh", "stiege", "top", "no", "maisonette", "sidence"),
    *("sidenc", "edif", "caravan", "berth", "pitch", "mooring", "gate"),
    *("condom", "urbaniz", "immeuble", "cit", "haus", "casa", "quinta", "chalet", "hacienda", "finca", "ch", "domaine"),
    *("ferme", "ty ", "tŷ "),
)
_NUMBERED = re.compile(r"(?:h|d|flat|house|door|plot|khasra|shop)\.? ?no\b", re.IGNORECASE)
"""Of a house: an address without a street, too."""
_BETWEEN = r"(?:, ?|,?\n| - )"
_PART = re.compile(
    rf"(?:{_BETWEEN}| )(?P<unit>{_UNIT})"
    rf"|{_BETWEEN}(?P<ordinal>\d{{1,2}}(?:st|nd|rd|th) [A-Z][a-z]{{2,8}}(?: (?:Road|Rd|Street|Stage))?(?![\w]))"
    rf"|(?:{_BETWEEN}| )(?:off )?(?P<named>(?:\d{{1,5}}[A-Za-z]?(?:/\d{{1,4}})?,? )?"
    rf"(?:[^\W\d_A-Z]{{2,9}}\.? (?:(?:de|des|du|la|le|les) ){{0,2}})?{_NAME}"
    rf"(?:[ -](?:(?:de|des|du|la|le|of|the|da|do) ){{0,2}}{_NAME}){{0,4}}(?:,? \d{{1,4}}[A-Za-z]?)?(?![\w]))"
)
_MOST_PARTS, _MOST_NAMES = 6, 1
_KINDS = ENGLISH | ROMANCE | MAYBE_ROMANCE | BUILDINGS
_COMPOUND = tuple(one for one in COMPOUNDS if len(one) > 3)
_FEWEST_LETTERS = 6
_WORD = re.compile(r"[^\W\d_]+")


def in_parts(reading: Reading) -> Iterator[Span]:
    """Units, buildings and streets one behind the other; a name of neither kind only between two that are. Linear."""
    text, reached = reading.text, 0
    leads = [*_BY_CODE.finditer(text), *(_BY_NAME.finditer(text) if reading.has(*_SAY) else ())]
    for lead in sorted(leads, key=re.Match.start):
        if lead.start() < reached:
            continue
        at, end, names = lead.end(), lead.end() if _NUMBERED.match(lead[0]) else 0, 0
        for _ in range(_MOST_PARTS):
            part = _PART.match(text, at)
            if part is None:
                break
            at = part.end()
            if part["named"] is None or _has_kind(part["named"]):
                end, names = at, 0
                continue
            names += 1
            if names > _MOST_NAMES:
                break
        if end:
            reached = end
            yield Span(lead.start(), end, "ADDRESS", 0.7, "address.units")


def _has_kind(part: str) -> bool:
    words = [fold(word) for word in _WORD.findall(part)]
    if (len(words) > 1 and not _KINDS.isdisjoint(words)) or (part[0].isdigit() and part[-1].isdigit()):
        return True
    return part[-1:].isdigit() and any(len(word) > _FEWEST_LETTERS and word.endswith(_COMPOUND) for word in words)
