"""Addresses that a pattern tells, without a grammar: boxes, post codes, plots and blocks, named houses, corners."""

import re
from collections.abc import Iterator

from agents.personal.spans import PersonalType, Span

_NAME = r"[A-ZÀ-Ž][^\W\d_]{0,25}"
_BOX = re.compile(
    r"(?<![^\W_])(?:p\.? ?o\.? ?box|post(?:office)? ?box|postfach|bo[îi]te postale|apartado(?: de correos)?"
    r"|casella postale|caixa postal|postboks|skrytka pocztowa|(?:psc|unit|cmr) \d{1,5},? box)"
    r"(?: ?[#:]?\d[\d ]{0,7}\d|,? ?#?\d|\b)(?:,?[ \n]{1,2}[adf]po a[aep](?: \d{5})?)?"
    r"|(?<![^\W_])(?:r\.?r\.?|h\.?c\.?|rural route|highway contract) ?\d{1,3},? box \d{1,5}[a-z]?(?![^\W_])"
    r"|(?<![^\W_])(?:us(?:s|ns|nv|cgc) [^\W\d_]{1,30},?[ \n]{1,2})?[adf]po a[aep] \d{5}(?![^\W_])",
    re.IGNORECASE,
)
_POSTCODE = re.compile(
    r"(?<![^\W_])(?:(?:GIR 0AA|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})|[ABCEGHJ-NPRSTVXY]\d[A-Z] \d[A-Z]\d"
    r"|[A-Z]{2} \d{5}(?:-\d{4})?)(?![^\W_])"
)
_QUIET_POSTCODE = re.compile(
    r"(?<![^\W_])[a-z]{1,2}\d[a-z\d]? ?\d(?!st|nd|rd|th)[abd-hjlnp-uw-z]{2}(?![^\W_])", re.IGNORECASE
)
_BEFORE_POSTCODE = re.compile(
    r"\b(?:post ?code|zip|address|street|road|lane|avenue|drive|close|court|place|way|st|rd|ave|ln|dr|terrace"
    r"|gardens|flat"
    r"|live|lives)\b",
    re.IGNORECASE,
)
_WIDEST = 60
_CODE_SAID = re.compile(
    r"\b(?:zip(?:[ _-]?code)?|post(?:al|leit)?[ _-]?(?:code|zahl)|postcode|postnummer|plz|c[oó]digo postal"
    r"|code postal|cap|cep"
    r"|pin ?code)[\"']?(?:\s?[:=#]\s?|\s(?:is |ist |est |es )?)[\"']?"
    r"((?=[A-Z -]{0,4}\d)[A-Z\d]{2,8}(?:[ -](?=[A-Z]{0,2}\d)[A-Z\d]{3,4})?)(?![\w])",
    re.IGNORECASE,
)
_UNIT_NAME = (
    r"(?:flat|plot|house|villa|shop|room|door|sector|block|blk|phase|ward|tower|wing|lane|road|street|floor"
    r"|unit|apartment|apt"
    r"|quarter|qtr|site|khasra|gali|cross|stage|h\.? ?no|d\.? ?no)"
)
_UNIT = (
    rf"(?:(?i:{_UNIT_NAME})\.?(?: (?i:no\.?|number))?[ :.#-]{{1,2}}[A-Z]?-?\d{{1,5}}[A-Za-z]?"
    r"(?:[/-]\w{1,4})?(?![\w]))"
)
_LETTERED = (
    r"(?:(?i:block|tower|wing|sector|phase) [A-Z]{1,3}(?![\w])|[A-Z]-(?i:block|wing|sector|tower)"
    r"|\d{1,2}(?:st|nd|rd|th) [A-Z][a-z]{2,8})"
)
_BUILDING = (
    rf"(?:{_NAME} ){{1,3}}(?:Apartments?|Society|Residency|Heights|Towers?|Enclave|Nagar|Colony|Complex|Villas?"
    rf"|Building|Bhavan"
    r"|Mansions?|Layout|Estate|Gardens?|Park|Road|Rd|Marg|Street|Cross|Main|Arcade|Plaza|Chambers|Bagh|Puram"
    r"|Vihar|Market)"
)
_CROSS = r"(?:#?\d{1,4}(?:/\d{1,4})?(?=, \d{1,2}(?:st|nd|rd|th) (?:Cross|Main|Floor|Phase|Stage|Block|Street)))"
_LISTED = re.compile(
    rf"(?<![\w/-])(?:{_UNIT}|{_CROSS})(?:(?:, ?|,?\n| - )(?:{_UNIT}|{_LETTERED}|{_BUILDING})(?![\w])){{1,5}}"
)
_HOUSE = re.compile(
    rf"(?<![\w-])(?:(?:The |\d{{1,3}} )?(?:{_NAME} ){{0,3}}|The )(?:Vicarage|Rectory|Cottages?|Lodge"
    rf"|Farm(?:house)?|Barn|Mill|House|Hall"
    rf"|Manor|Priory|Grange|Bungalow|Villa|Mansions?|Chambers|Court)(?:, ?"
    rf"|,?\n)(?:\d{{1,4}}[a-z]? )?(?:{_NAME}[ -]){{1,3}}"
    r"(?:Street|Road|Rd|Lane|Avenue|Ave|Drive|Close|Way|Hill|Row|Terrace|Green|Square|Crescent|Place|Gardens"
    r"|Walk|St)(?![\w])"
)
_BLOCKS = re.compile(
    rf"(?<![\w.-])\d{{1,3}}-\d{{1,3}}(?:-\d{{1,4}})?,? {_NAME}(?:-(?:cho|machi|dori))?(?=,? ?(?:\d-?chome"
    rf"|{_NAME}-(?:ku|shi|machi|cho"
    r"|gun)(?![\w])|Tokyo|Osaka|Kyoto|Yokohama|Nagoya|Sapporo|Fukuoka|Kobe))"
)
_KOREAN = re.compile(
    rf"(?<![\w-])\d{{0,4}}[ -]?{_NAME}-?(?:daero|(?<=-)ro"
    rf"|(?<=-)gil)(?: ?\d{{1,3}}-?gil)? ?\d{{1,4}}(?:-\d{{1,4}})?(?![\w])"
)
_CORNER = re.compile(
    rf"(?<![\w-])(?i:corner of) (?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th))(?: {_NAME})? (?:and|&) (?:{_NAME}"
    rf"|\d{{1,3}}(?:st|nd|rd|th))"
    rf"(?: (?:St|Street|Ave|Avenue|Rd|Road|Blvd))?(?![\w])"
)
_DIVISION = re.compile(rf"(?<![\w-]){_NAME}-(?:ku|shi|machi|cho|ken|gun|gu|dong|fu)(?![\w-])")
_HOUSE_KINDS = (
    *("Vicarage", "Rectory", "Cottage", "Lodge", "Farm", "Barn", "Mill", "House", "Hall", "Manor", "Priory", "Grange"),
    *("Bungalow", "Villa", "Mansion", "Chambers", "Court"),
)
_JAPANESE = (
    *("chome", "-ku", "-shi", "-machi", "-cho", "-gun", "Tokyo", "Osaka", "Kyoto", "Yokohama", "Nagoya", "Sapporo"),
    *("Fukuoka", "Kobe"),
)
_DIVISIONS = ("-ku", "-shi", "-machi", "-cho", "-ken", "-gu", "-dong", "-fu")
_FORMS: tuple[tuple[re.Pattern[str], PersonalType, float, str, tuple[str, ...]], ...] = (
    (_BOX, "ADDRESS", 0.75, "address.box", ()),
    (_POSTCODE, "ADDRESS", 0.6, "address.code", ()),
    (_LISTED, "ADDRESS", 0.7, "address.units", (", ", ",\n", " - ")),
    (_HOUSE, "ADDRESS", 0.7, "address.house", _HOUSE_KINDS),
    (_BLOCKS, "ADDRESS", 0.7, "address.blocks", _JAPANESE),
    (_KOREAN, "ADDRESS", 0.7, "address.korean", ("daero", "-ro", "-gil")),
    (_CORNER, "ADDRESS", 0.6, "address.corner", ("orner of",)),
    (_DIVISION, "PLACE", 0.6, "place.division", _DIVISIONS),
)
"""With what must be somewhere in the text: looking for that costs next to nothing."""


def address_forms(text: str) -> Iterator[Span]:
    """Linear: each pattern is bounded."""
    for pattern, kind, score, detector, needed in _FORMS:
        for match in pattern.finditer(text) if not needed or any(map(text.__contains__, needed)) else ():
            yield Span(match.start(), match.end(), kind, score, detector)
    for match in _QUIET_POSTCODE.finditer(text):
        if _BEFORE_POSTCODE.search(text, max(0, match.start() - _WIDEST), match.start()):
            yield Span(match.start(), match.end(), "ADDRESS", 0.6, "address.code")
    yield from (Span(*match.span(1), "ADDRESS", 0.7, "address.code") for match in _CODE_SAID.finditer(text))
