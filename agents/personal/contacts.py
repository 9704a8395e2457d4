"""E-mail addresses, IP addresses, hardware addresses."""

import ipaddress
import re
from collections.abc import Iterator

from agents.personal.reading import Reading
from agents.personal.spans import Span

_LONGEST_LOCAL = 64
_LOCAL = re.compile(r"[\w.+%'~!$^*{}-]+\Z")
_MAY_END_LOCAL = re.compile(r"[\w.+%'~!$^*{}\"-]")
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,8}(?:xn--[\w-]{2,59}|[^\W\d_]{2,24})(?![^\W_])")
_LITERAL = re.compile(r"\[?(?:\d{1,3}\.){3}\d{1,3}\]?")
_AT = re.compile(
    r"\s?[\[({<]\s?(?:at|@|ät|arroba|chiocciola|a\.?t\.?)\s?[\])}>]\s?|\s{1,2}(?:at|arroba|chiocciola)\s{1,2}|\s{0,2}@\s{1,2}"
    r"|\s{1,2}@",
    re.IGNORECASE,
)
_MISTYPED_DOMAIN = re.compile(
    r"[\w-]{1,63}(?:\.[\w-]{1,63}){0,3}(?:,(?:com|net|org|edu|gov|io|de|fr|es|it|nl|eu|uk|co\.uk)"
    r"|(?: [.,]|\. |, )(?:com|net|org|edu|co\.uk))(?![^\W_])",
    re.IGNORECASE,
)
_THIS_MACHINE = re.compile(r"localhost(?![\w.-])")
_OF_MACHINES = frozenset(("root", "postgres", "mysql", "admin", "user", "git", "ubuntu", "guest", "www-data", "rabbit"))
_QUOTED_LOCAL = re.compile(r"\"[^\"\n@]{1,62}\"\Z")
_WITHOUT_AT = re.compile(
    r"(?<![\w./@:+-])[\w.+-]{2,40}(?<![.-])(?:gmail|googlemail|hotmail|yahoo|outlook|icloud)\.com(?![\w/:]|\.\w)",
    re.IGNORECASE,
)
_DOT = r"(?:\s?[\[({<]\s?(?:dot|punkt|punto|point|\.)\s?[\])}>]\s?|\s{1,2}(?:dot|punkt|punto)\s{1,2}|\.)"
_SPOKEN_LOCAL = re.compile(
    rf"[\w+-]{{1,30}}(?:(?:{_DOT}|\s{{1,2}}(?:underscore|dash|hyphen|minus)\s{{1,2}})[\w+-]{{1,30}}){{0,3}}\Z",
    re.IGNORECASE,
)
_SPOKEN_DOMAIN = re.compile(
    rf"[\w-]{{1,40}}(?:{_DOT}[\w-]{{1,40}}){{0,3}}?{_DOT}[^\W\d_]{{2,12}}(?![^\W_])(?!{_DOT}[^\W\d_])", re.IGNORECASE
)
_SAID = re.compile(r"[\[({<]|\b(?:dot|punkt|punto)\b", re.IGNORECASE)
_PROVIDER = re.compile(
    r"(?:gmail|googlemail|yahoo|hotmail|outlook|live|icloud|me|aol|gmx|web|proton|protonmail|mail|yandex|qq)\.[a-z.]{2,6}\Z",
    re.IGNORECASE,
)
_SPOKEN_BEFORE = 100
_NO_LOCAL = frozenset(("is", "at", "on", "as", "the", "are", "to", "by", "with", "handle", "me", "us", "and", "or"))
_GOES_ON = re.compile(r"\s{1,2}at\s{1,2}[\w-]{1,40}(?:\s{1,2}dot\s|\.[a-z])", re.IGNORECASE)
"""What would be the domain is the name of a mailbox: "the invoice at jane dot doe at example dot com"."""


def emails(reading: Reading) -> Iterator[Span]:
    """RFC 5321 mailboxes, and the ways in which people hide them from machines."""
    text = reading.text
    at = text.find("@")
    while at >= 0:
        domain = (
            _MISTYPED_DOMAIN.match(text, at + 1)
            or _DOMAIN.match(text, at + 1)
            or _LITERAL.match(text, at + 1)
            or _THIS_MACHINE.match(text, at + 1)
        )
        least = max(0, at - _LONGEST_LOCAL)
        local = None
        if domain and _MAY_END_LOCAL.match(text, at - 1 if at else at):
            local = _LOCAL.search(text, least, at) or _QUOTED_LOCAL.search(text, least, at)
        if domain and local and domain.re is _THIS_MACHINE and local[0] in _OF_MACHINES:
            local = None
        if local is not None and domain is not None:
            start = local.start() + len(local[0]) - len(local[0].lstrip(".'!*{}~^$%-"))
            if start < at:
                yield Span(start, domain.end(), "EMAIL", 1.0, "email")
        at = text.find("@", at + 1)
    yield from _spoken(text)
    if reading.has("mail.com", "yahoo.com", "outlook.com", "icloud.com"):
        yield from (Span(m.start(), m.end(), "EMAIL", 0.6, "email.mistyped") for m in _WITHOUT_AT.finditer(text))


def _spoken(text: str) -> Iterator[Span]:
    """As in "jane dot doe at example dot com", or "jane [at] example.com"."""
    for pivot in _AT.finditer(text):
        domain = _SPOKEN_DOMAIN.match(text, pivot.end())
        least = max(0, pivot.start() - _SPOKEN_BEFORE)
        least = max(least, text.rfind("@", least, pivot.start()) + 1)
        local = domain and _SPOKEN_LOCAL.search(text, least, pivot.start())
        if local is None or domain is None or local[0].lower() in _NO_LOCAL or _GOES_ON.match(text, domain.end()):
            continue
        meant = "@" in pivot[0] or _SAID.search(pivot[0]) or _SAID.search(domain[0]) or _PROVIDER.match(domain[0])
        if meant:
            yield Span(local.start(), domain.end(), "EMAIL", 0.85, "email.spoken")


_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}(?:\.|\[\.\])){3}\d{1,3}(?![^\W_]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f:]{2,39}(?:(?:\d{1,3}\.){3}\d{1,3})?(?![\w:]|\.\d)(?P<zone>%\w{1,15})?")
_LEAST_COLONS = 2
_HIGHEST = 255


def ip_addresses(reading: Reading) -> Iterator[Span]:
    """IPv4 and IPv6, as the standard library reads them. Four numbers behind the word "version" are none."""
    for match in _IPV4.finditer(reading.text):
        if _is_address(match[0].replace("[.]", ".")):
            version = reading.clues.near("version", *match.span(), before=12)
            yield Span(match.start(), match.end(), "IP", 0.3 if version else 0.95, "ip.v4")
    for match in _IPV6.finditer(reading.text) if reading.text.count(":") >= _LEAST_COLONS else ():
        whole = match[0].removesuffix(match["zone"] or "")
        address = whole if whole.endswith("::") else whole.rstrip(":")
        digits = any(character.isdigit() for character in address)
        if address.count(":") >= _LEAST_COLONS and digits and _is_address(address):
            end = match.end() if match["zone"] else match.start() + len(address)
            yield Span(match.start(), end, "IP", 0.95, "ip.v6")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        # Four numbers with leading zeros are one to people, and to some programs.
        parts = text.split(".")
        return ":" not in text and all(int(part) <= _HIGHEST for part in parts)
    return True


_MAC = re.compile(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}(?P<separator>[:-])(?:[0-9A-Fa-f]{2}(?P=separator)){4}[0-9A-Fa-f]{2}"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?![\w:-]|\.\w)"
)
_MAC_SAID = re.compile(
    r"\b(?:mac|bssid|hwaddr|ether)(?: addr(?:ess)?)?\W{1,3}(?:is )?([0-9A-Fa-f]{12})(?!\w)"
    r"|\b(?:mac|bssid|hwaddr|bt|bluetooth|wlan)(?: addr(?:ess)?)?\W{1,3}(?:is )?"
    r"([0-9A-Fa-f]{6}[-:.][0-9A-Fa-f]{6})(?!\w)"
    r"|(?<!\w)([0-9A-Fa-f]{12}) (?:is )?(?:my |the )?mac\b",
    re.IGNORECASE,
)


def hardware_addresses(reading: Reading) -> Iterator[Span]:
    """MAC addresses of six bytes."""
    yield from (Span(m.start(), m.end(), "MAC", 0.95, "mac") for m in _MAC.finditer(reading.text))
    for match in (
        _MAC_SAID.finditer(reading.text)
        if reading.has("mac", "bssid", "hwaddr", "ether", "bt", "bluetooth", "wlan")
        else ()
    ):
        yield Span(*match.span(match.lastindex or 0), "MAC", 0.8, "mac.said")
