"""Secrets that a whole phrase tells, without a sign between: "it was ...", "... is my password", codes of doors."""

import re
from collections.abc import Callable, Iterator

from agents.personal.no_passwords import is_none
from agents.personal.reading import Reading
from agents.personal.spans import PersonalType, Span

_MEMORABLE = re.compile(
    r"\b(?:memorable (?:word|name|place|phrase|date)|(?:secret|security)(?: question)? (?:answer|word)"
    r"|answer to (?:my|the) (?:secret|security) question|safe ?word|code ?word)"
    r"(?:\s?[:=]|\sis|\swas)?\s[\"']?(?P<bare>[^\s\"',;.]{4,40})",
    re.IGNORECASE,
)
_OF_A_DOOR = re.compile(
    r"\b(?:lock ?box|key ?safe|key ?pad|garage|door|gate|entry|entrance|building|alarm|shed|porch|gym|locker|padlock)\b"
    r"[^\n]{0,60}?\b(?:code|combo|combination)(?: is|:| =)? (?P<bare>[#*]?(?=[A-Z]{0,6}\d)[A-Z\d]{3,8}[#*]?)(?![\w-])"
    r"|\b(?:code (?:de la |du |d')?(?:porte|portail|immeuble|entr[ée]e|acc[èe]s)|digicode|t[üu]rcode"
    r"|c[óo]digo (?:de |del )?(?:la )?"
    r"(?:puerta|portal)|codice (?:del )?(?:portone|cancello))(?: est| ist| es| è|:"
    r"| =)? (?P<other>[#*]?(?=[A-Z]{0,6}\d)[A-Z\d]{3,8}[#*]?)(?![\w-])"
    r"|\bcode (?:for|to|of|on) (?:the|my|our|his|her|their) (?:[a-z]{2,10} ){0,2}"
    r"(?:lock ?box|key ?safe|key ?pad|garage|door|gate|entrance|building|alarm|shed|porch|gym|locker|padlock)"
    r"(?: is| was|:| =)? (?P<behind>[#*]?(?=[A-Z]{0,6}\d)[A-Z\d]{3,8}[#*]?)(?![\w-])",
    re.IGNORECASE,
)
_OF_AN_ACCOUNT = re.compile(
    r"\b(?:server|host|box|jumpbox|prod|staging|ssh|rdp|ftp|creds|login|access|vm|router|nas|db|database|\d{1,3}(?:\.\d{1,3}){3})\b[^\n]{0,30}?"
    r"[ (](?:root|admin|administrator|ubuntu|pi|ec2-user|oracle|sa|postgres|user|sysadmin|guest|deploy) ?[/:] ?"
    r"(?P<bare>(?![/\d])[^\s\"',;/:@]{6,60})(?![/\w@:])",
    re.IGNORECASE,
)
_MEANT = re.compile(
    r"\b(?:one|it|mine|guess|usual|old one|new one|last one|first one)\b[^\n.!?]{0,30}?\b(?:is|was|be|were"
    r"|tried|used|like)"
    r"(?:\s?:)?\s[\"']?(?P<bare>[^\s\"',;]{6,60})",
    re.IGNORECASE,
)
"""Behind a password that was spoken of: "it was ..."."""
_CALLED_AFTER = re.compile(
    r"(?<!\S)(?P<bare>[^\s\"',;]{4,60}) (?:as|is|was) (?:the|my|your|her|his|our|their|a) (?:[a-z-]{2,10} )?"
    r"(?:password|passwd|pass|pw|passcode|pin)(?!\w|'s|[ -](?:format|encoding|manager|hash|field|type|polic|column"
    r"|scheme|algorithm|length|prompt|version|module|librar|rule|reset|file|screen|form|generator|hint|parameter"
    r"|variable|setting|option|plugin|requirement|table|store|vault))",
    re.IGNORECASE,
)
_PIN_AFTER = re.compile(r"(?<!\S)(?P<bare>\d{4,8}) (?:as|is) (?:(?:the|my|your|her|his|our) )?pin(?!\w)", re.IGNORECASE)
_AS_WITH = re.compile(
    r"\b(?:log(?:ged)?|sign(?:ed)?)[ -]?(?:in|on) as [^\s\"',;]{3,40} (?:with|using|and) [\"']?"
    r"(?P<bare>[^\s\"',;]{6,60})",
    re.IGNORECASE,
)
_OF_A_NETWORK = re.compile(
    r"\b(?:wi-?fi|wlan|ssid|network|hotspot|router)\b[ :]{1,3}[^\n/,;]{2,40}? ?/ ?(?P<bare>[^\s\"',;/]{8,63})",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\b(?:your|my|her|his) (?!(?:order|discount|promo|coupon|voucher|error|status|exit|product|tracking|source)[ -])"
    r"(?:[a-z-]{2,12} )?code(?: is| was|:) (?P<bare>\d{3} \d{3}|\d{4,8})(?![\w.,]\d|\w)",
    re.IGNORECASE,
)
_PRODUCT = re.compile(
    r"\b(?:licen[cs]e|product|activation|serial|recovery|bitlocker|registration)[ _-]?key\b(?: is|:|=)? ?"
    r"(?P<bare>(?=[A-Z-]*\d)(?:[A-Z\d]{4,6}-){2,7}[A-Z\d]{4,6})(?![\w-])",
    re.IGNORECASE,
)
_CALLED = ("password", "passwd", "passcode", "passphrase", "pass", "pw", "pin")
_FEWEST_LETTERS = 3
_PUNCTUATION_AFTER = ".,;:?)]}\"'"


def phrased_secrets(reading: Reading) -> Iterator[Span]:
    """Only what could be no word of the phrase. Linear: each pattern is bounded."""
    for pattern, needed, may_be, kind in _PHRASES:
        for match in pattern.finditer(reading.text) if reading.has(*needed) else ():
            name = match.lastgroup or ""
            value = match[name].rstrip(_PUNCTUATION_AFTER)
            if may_be(value) and not is_none(value, said=pattern is _MEMORABLE):
                start = match.start(name)
                yield Span(start, start + len(value), kind, 0.7, f"{kind.lower().replace('_', '-')}.phrase")


def _is_word_with_digits(value: str) -> bool:
    """No word of a language, and no number with a unit."""
    return any(map(str.isdigit, value)) and sum(map(str.isalpha, value)) >= _FEWEST_LETTERS


def _is_no_word(value: str) -> bool:
    return not value.isalpha()


_PHRASES: tuple[tuple[re.Pattern[str], tuple[str, ...], Callable[[str], bool], PersonalType], ...] = (
    (_MEANT, _CALLED, _is_word_with_digits, "PASSWORD"),
    (_CALLED_AFTER, _CALLED, _is_word_with_digits, "PASSWORD"),
    (_PIN_AFTER, ("pin",), str.isdigit, "PASSWORD"),
    (_MEMORABLE, ("memorable", "secret", "security", "word"), bool, "PASSWORD"),
    (_OF_A_DOOR, ("code", "comb", "código", "codigo", "codice"), bool, "PASSWORD"),
    (_OF_AN_ACCOUNT, ("/", ":"), _is_no_word, "PASSWORD"),
    (_AS_WITH, ("log", "sign"), _is_word_with_digits, "PASSWORD"),
    (_OF_A_NETWORK, ("/",), _is_word_with_digits, "PASSWORD"),
    (_CODE, ("code",), bool, "PASSWORD"),
    (_PRODUCT, ("key",), bool, "API_KEY"),
)
"""With what must be somewhere in the text, and what a value must be."""
