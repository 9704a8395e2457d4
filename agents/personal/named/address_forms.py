"""Addresses that a pattern tells, without a grammar: boxes, post codes, plots and blocks, named houses, corners."""

import re
from collections.abc import Iterator

from agents.personal.named.in_parts import in_parts
from agents.personal.reading import Reading
from agents.personal.spans import PersonalType, Span

_NAME = r"[A-ZÀ-Ž][^\W\d_]{0,25}"
_BOX = re.compile(
    r"(?<![^\W_])(?:(?:g\.? ?)?p\.? ?o\.? ?box|post(?:office)? ?box|postfach|bo[îi]te postale|apartado(?: de correos)?"
    r"|casella postale|caixa postal|postboks|skrytka pocztowa|(?:psc|unit|cmr) \d{1,5},? box)"
    r"(?: ?[#:]?\d[\d ]{0,7}\d|,? ?#?\d|\b)(?:,?[ \n]{1,2}[adf]po a[aep](?: \d{5})?)?"
    r"|(?<![^\W_])(?:p\.?m\.?b\.?|(?:private|locked)(?: mail)? bag) ?(?:x ?)?\d{1,6}(?![^\W_])"
    r"|(?<![^\W_])(?:r\.?r\.?|h\.?c\.?|rural route|highway contract) ?\d{1,3},? box \d{1,5}[a-z]?(?![^\W_])"
    r"|(?<![^\W_])(?:us(?:s|ns|nv|cgc) [^\W\d_]{1,30},?[ \n]{1,2})?[adf]po a[aep] \d{5}(?![^\W_])",
    re.IGNORECASE,
)
_POSTCODE = re.compile(
    r"(?<![^\W_])(?:(?:GIR 0AA|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})|[ABCEGHJ-NPRSTVXY]\d[A-Z] \d[A-Z]\d"
    r"|(?:NSW|VIC|QLD|SA|WA|TAS|NT|ACT) \d{4}"
    r"|[A-HJ-NP-Z]\d{4}[A-Z]{3}|[A-Z]{2} \d{5}(?:-\d{4})?|[AC-FHKNPRTV-Y]\d[\dW] ?[AC-FHKNPRTV-Y\d]{4}|S ?\(\d{6}(?=\))"
    r"|\d{4}-\d{3}(?= [A-ZÀ-Ž])|\d{2}-\d{3}(?= [A-ZÀ-Ž][^\W\d_]{2})|\d{4} ?[A-Z]{2}(?=,? [A-ZÀ-Ž][^\W\d_]{2}"
    r"|[\"']?[,;] ?[\"']?[A-ZÀ-Ž][^\W\d_]{2}))"
    r"(?![^\W_])"
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
_NAMED_FIRST = re.compile(
    rf"(?<![\w-])(?:{_NAME}|L')(?:[ -](?:(?:de|la|le|der|van|den|du|do"
    rf"|da) ){{0,2}}{_NAME}){{0,3}} \d{{1,4}}[a-z]?(?:[/-]\d{{1,4}}[a-z]?)?"
    r"(?:,? (?:bus|bte|bo[îi]te|bt|box) ?\w{1,4})?"
    rf"(?=,? ?\n?,? ?(?:[A-Z]{{1,2}}-)?\d{{4,5}} {_NAME}(?![\w]| ?\d))"
)
"""Whatever the street is called: a number behind it, then a post code and its town."""
_SLAVIC = re.compile(
    r"(?<![\w-])[A-ZÀ-Ž][^\W\d_]{2,20}(?:sk|ck|zk)(?:a|á|iego|ého) \d{1,4}[a-z]?/\d{1,4}[a-z]?(?![\w/])"
)
_SQUARE = re.compile(
    rf"(?<![\w-])(?:Rynek(?: {_NAME})?|Marktplatz|Hauptplatz|Hauptstra(?:ß|ss)e"
    rf"|Dorfstra(?:ß|ss)e|Kirchplatz|Schulstra(?:ß|ss)e"
    rf"|Plaza Mayor|Grand-Place|Náměstí|Stortorget|Torget"
    rf"|(?:przy|na) (?:ulicy )?{_NAME}(?:ej|iej)) \d{{1,3}}[a-z]?(?![\w.]\d|\w)"
)
_ROUTE = re.compile(
    r"(?<![\w.,/-])\d{1,5} (?:(?:State|County|Provincial|US) )?(?:Route|Rte|Highway|Hwy|Road|Rd|FM|CR)"
    r" (?:[A-Z]-?)?\d{1,4}"
    r"(?![\w-])",
    re.IGNORECASE,
)
_OF_FLATS = re.compile(
    rf"(?<![\w.,/-])\d{{1,4}}[A-Z]? {_NAME}(?: {_NAME})? (?:House|Court|Lodge|Mansions|Tower|Heights|Villas|Cottages)"
    rf"(?![\w-]| of\b)"
)
_HAMLET = re.compile(rf"(?<![\w-])[Ll]ieu[- ][Dd]it (?:[Ll]'|(?:[Ll]e|[Ll]a|[Ll]es) )?{_NAME}(?:[ -]{_NAME}){{0,3}}")
_HOUSE = re.compile(
    rf"(?<![\w-])(?:(?:The |\d{{1,3}} )?(?:{_NAME} ){{0,3}}|The )(?:Vicarage|Forge|Smithy|Stables|Coach House"
    rf"|Chapel|Schoolhouse|Gatehouse|Oast|Granary|Dairy"
    rf"|Parsonage|Deanery|Byre|Steading|Toll House|Old [A-Z][a-z]{{2,12}}|Rectory|Cottages?|Lodge"
    rf"|Farm(?:house)?|Barn|Mill|House|Hall"
    rf"|Manor|Priory|Grange|Bungalow|Villa|Mansions?|Chambers|Court)(?:, ?"
    rf"|,?\n)(?:\d{{1,4}}[a-z]? )?(?:{_NAME}[ -]){{1,3}}"
    r"(?:Street|Road|Rd|Lane|Avenue|Ave|Drive|Close|Way|Hill|Row|Terrace|Green|Square|Crescent|Place|Gardens"
    r"|Walk|St)(?![\w])"
)
_BIG_IN_JAPAN = (
    *("Tokyo", "Osaka", "Kyoto", "Yokohama", "Nagoya", "Sapporo", "Fukuoka", "Kobe", "Chiyoda", "Minato", "Shinjuku"),
    *("Bunkyo", "Taito", "Sumida", "Koto", "Shinagawa", "Meguro", "Setagaya", "Shibuya", "Nakano", "Suginami"),
    *("Toshima", "Itabashi", "Nerima", "Adachi", "Katsushika", "Edogawa"),
)
"""Cities, and the wards of Tokyo."""
_BLOCKS = re.compile(
    rf"(?<![\w.-])\d{{1,3}}-\d{{1,3}}(?:-\d{{1,4}})?,? {_NAME}(?:-(?:cho|machi|dori))?(?=,? ?(?:\d-?chome"
    rf"|{_NAME}-(?:ku|shi|machi|cho"
    rf"|gun)(?![\w])|(?:{'|'.join(_BIG_IN_JAPAN)})(?![\w])))"
    rf"|(?<![\w.-]){_NAME} \d{{1,2}}-\d{{1,3}}(?:-\d{{1,4}})?(?=, ?(?:{'|'.join(_BIG_IN_JAPAN)})(?![\w]))"
)
_KOREAN = re.compile(
    rf"(?<![\w-])\d{{0,4}}[ -]?{_NAME}-?(?:daero|(?<=-)ro"
    rf"|(?<=-)gil)(?: ?\d{{1,3}}-?gil)? ?\d{{1,4}}(?:-\d{{1,4}})?(?![\w])"
)
_CROSSING = (
    rf"(?:\d{{1,5}} )?(?:(?:ul|al|pl|os|av|str)\. )?(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th))"
    rf"(?:[ -](?:(?:de|del|do|da|la|les|der|van|ten) ){{0,2}}{_NAME}){{0,4}}(?: (?:u|út|útja|tér|utca)\.?)?"
    r"(?: \d{1,5}(?![\w])\.?)?(?: (?:St|Str|Street|Ave|Avenue|Rd|Road|Blvd)(?![\w])\.?)?"
)
_CORNER = re.compile(rf"(?<![\w-])(?i:(?:the )?corner of) {_CROSSING} (?:and|&) {_CROSSING}(?![\w])")
_TENS = r"(?:twenty|thirty|fou?rty|fifty|sixty|seventy|eighty|ninety)"
_IN_WORDS = re.compile(
    rf"(?<![\w-])(?:{_TENS}(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|(?:eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen)(?= (?-i:[A-Z]))"
    r"|(?:number )(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven"
    r"|eigh|nine)teen))"
    r"(?: [a-h](?= ))?(?: [^\W\d_]{2,15}){1,3}? (?:street|road|lane|avenue|drive|close|court|place|way|row|terrace"
    r"|crescent|gardens|grove|hill|walk|square|park|view)(?![\w])",
    re.IGNORECASE,
)
_DIVISION = re.compile(rf"(?<![\w-]){_NAME}-(?:ku|shi|machi|cho|ken|gun|gu|dong|fu)(?![\w-])")
_HOUSE_KINDS = (
    *("Vicarage", "Rectory", "Cottage", "Lodge", "Farm", "Barn", "Mill", "House", "Hall", "Manor", "Priory", "Grange"),
    *("Bungalow", "Villa", "Mansion", "Chambers", "Court", "Forge", "Smithy", "Stables", "House", "Chapel", "The Old "),
    *("Schoolhouse", "Gatehouse", "Oast", "Granary", "Dairy", "Parsonage", "Deanery", "Byre", "Steading"),
)
_HOUSES = ("House", "Court", "Lodge", "Mansions", "Tower", "Heights", "Villas", "Cottages")
_JAPANESE = ("chome", "-ku", "-shi", "-machi", "-cho", "-gun", *_BIG_IN_JAPAN)
_DIVISIONS = ("-ku", "-shi", "-machi", "-cho", "-ken", "-gu", "-dong", "-fu")
_SAY_BOX = ("box", "bag", "po a", "postal", "postfach", "postboks", "skrytka", "apartado", "pmb", "p.m")
_BEFORE_QUIET = (
    *(
        "post",
        "zip",
        "address",
        "street",
        "road",
        "lane",
        "avenue",
        "drive",
        "close",
        "court",
        "place",
        "way",
        "st",
        "rd",
    ),
    *("ave", "ln", "dr", "terrace", "gardens", "flat", "live"),
)
_SAY_CODE = ("zip", "post", "plz", "cap", "cep", "pin")
_FORMS: tuple[tuple[re.Pattern[str], PersonalType, float, str, tuple[str, ...]], ...] = (
    (_POSTCODE, "ADDRESS", 0.6, "address.code", ()),
    (_HOUSE, "ADDRESS", 0.7, "address.house", _HOUSE_KINDS),
    (_BLOCKS, "ADDRESS", 0.7, "address.blocks", _JAPANESE),
    (_KOREAN, "ADDRESS", 0.7, "address.korean", ("daero", "-ro", "-gil")),
    (_CORNER, "ADDRESS", 0.6, "address.corner", ("orner of",)),
    (_NAMED_FIRST, "ADDRESS", 0.68, "address.coded", ()),
    (_SLAVIC, "ADDRESS", 0.65, "address.compound", ("/",)),
    (_SQUARE, "ADDRESS", 0.6, "address.square", ()),
    (_ROUTE, "ADDRESS", 0.65, "address.route", ()),
    (_OF_FLATS, "ADDRESS", 0.6, "address.house", _HOUSES),
    (_HAMLET, "ADDRESS", 0.65, "address.hamlet", ("ieu-dit", "ieu dit", "ieu-Dit", "ieu Dit")),
    (_IN_WORDS, "ADDRESS", 0.62, "address.words", ("ty ", "ty-", "umber ", "teen ", "leven ", "welve ")),
    (_DIVISION, "PLACE", 0.6, "place.division", _DIVISIONS),
)
"""With what must be somewhere in the text: looking for that costs next to nothing."""


def address_forms(reading: Reading) -> Iterator[Span]:
    """Linear: each pattern is bounded."""
    text = reading.text
    for match in _BOX.finditer(text) if reading.has(*_SAY_BOX) else ():
        yield Span(match.start(), match.end(), "ADDRESS", 0.75, "address.box")
    for pattern, kind, score, detector, needed in _FORMS:
        for match in pattern.finditer(text) if not needed or any(map(text.__contains__, needed)) else ():
            yield Span(match.start(), match.end(), kind, score, detector)
    yield from in_parts(reading)
    for match in _QUIET_POSTCODE.finditer(text) if reading.has(*_BEFORE_QUIET) else ():
        if _BEFORE_POSTCODE.search(text, max(0, match.start() - _WIDEST), match.start()):
            yield Span(match.start(), match.end(), "ADDRESS", 0.6, "address.code")
    for match in _CODE_SAID.finditer(text) if reading.has(*_SAY_CODE) else ():
        yield Span(*match.span(1), "ADDRESS", 0.7, "address.code")
