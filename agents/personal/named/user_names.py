"""Names of users: "henrik.larsen", "anna_miller88", and whatever is said to be one."""

import re
from collections.abc import Iterator

from agents.personal.named.listed import Listed
from agents.personal.named.vocabulary import NO_NAMES
from agents.personal.reading import Reading
from agents.personal.spans import Span

_USER = re.compile(
    r"(?<![\w./@\\:%$-])@?(?P<first>[A-Za-z]{3,20})(?P<sign>[._])(?P<second>[A-Za-z]{3,25})\d{0,4}(?![\w@/(=\[-]|\.\w)"
)
_SHORTEST_UNKNOWN = 5
_NETWORK = (
    r"discord|insta(?:gram)?|ig|twitter|telegram|tik ?tok|snap(?:chat)?|reddit|skype|xbox|psn|steam|github|twitch"
    r"|linked ?in|strava|facebook|fb|venmo|cash ?app|youtube|tumblr|pinterest|spotify"
)
_CALLED = re.compile(
    rf"(?<![\w@.-])(?:(?P<surely>user[_ ]?name|usuario|utilisateur|benutzer(?:name)?|utente|gebruiker(?:snaam)?"
    rf"|identifiant|user ?id|login(?: name| id)?|handle|nick|screen ?name|gamertag|(?:{_NETWORK}) (?:handle"
    rf"|id|name|tag|user|account))|user|account(?: id| name)?|profile|{_NETWORK})(?:(?P<sign>[\"']?\s?[:=]\s?"
    rf"|\s(?:is under|is called|is|was|under|as)\s|\s(?=[\"']))|\s)[\"']?"
    r"(?P<value>@?[^\W_][\w.-]{2,31}(?:\#\d{3,5})?)(?![\w@/(])",
    re.IGNORECASE,
)
_AS_NAME = re.compile(
    r"(?<![\w@./-])(?P<value>@?[^\W_][\w.-]{3,31}) as (?:my|his|her|their|your|the) (?:[\w-]{2,12} )?"
    r"(?:user ?name|screen ?name|name|handle|nick(?:name)?|login)(?!\w)"
    r"|\b(?:log(?:ged)?|sign(?:ed)?)[ -]?(?:in|on) as (?P<other>@?[^\W_][\w.-]{3,31})(?![\w@/(])",
    re.IGNORECASE,
)
_DONE_BY = re.compile(
    r"\b(?:opened|reopened|closed|reported|posted|written|reviewed|approved|commented|submitted|uploaded|sent|edited|assigned)"
    r" (?:by|to) (?P<value>@?[^\W_][\w.-]{2,31})(?![\w@/(])",
    re.IGNORECASE,
)
_TAGGED = re.compile(r"(?<![\w@./-])(?P<value>[A-Za-z][\w.]{2,31}#\d{4})(?!\w)")
_ON_NETWORK = re.compile(
    rf"(?<![\w/.:])u/(?P<reddit>[A-Za-z][\w-]{{2,20}})(?![\w/])"
    rf"|(?<![\w@./-])(?P<value>@[^\W_][\w.]{{2,30}})(?= on (?:{_NETWORK})(?!\w))|(?:\$|>"
    rf"|\#) whoami\n(?P<shell>[\w.-]{{3,32}})(?=\n|\Z)",
    re.IGNORECASE,
)
_ODD = re.compile(r"\A@|[\d#]|\w[._-]\w")
_AFTER_VALUE = ".-"
_OF_MACHINES = frozenset("admin root guest user test system null none name required invalid optional unknown".split())  # noqa: SIM905
_SAY = (
    *(
        "user",
        "login",
        "handle",
        "nick",
        "screen",
        "gamertag",
        "account",
        "profile",
        "discord",
        "insta",
        "ig",
        "twitter",
    ),
    *("usuario", "utilisateur", "benutzer", "utente", "gebruiker", "identifiant", "telegram", "tik", "snap", "reddit"),
    *(
        "skype",
        "xbox",
        "psn",
        "steam",
        "github",
        "twitch",
        "linked",
        "strava",
        "facebook",
        "fb",
        "venmo",
        "cash",
        "tube",
    ),
    *("tumblr", "pinterest", "spotify"),
)


def user_names(text: str, listed: Listed) -> Iterator[Span]:
    """A known given name, and another name behind it; behind a full stop one that is no English word."""
    for match in _USER.finditer(text) if "." in text or "_" in text else ():
        first, second = match["first"].lower(), match["second"].lower()
        if not listed.given.get(first) or first in listed.words or not {first, second}.isdisjoint(NO_NAMES):
            continue
        if second in listed.words:
            meant = match[0].startswith("@") or match[0][-1].isdigit() or second != match["second"]
            named = meant and listed.surnames.get(second, False)
        else:
            known = second in listed.surnames or second in listed.given
            named = known or (match["sign"] == "." and len(second) >= _SHORTEST_UNKNOWN)
        if named:
            yield Span(match.start("first"), match.end(), "PERSON", 0.6, "person.user")


def said_users(reading: Reading, listed: Listed) -> Iterator[Span]:
    """Behind a word for one. Behind a sign any word but an English one; else one with a digit or a sign inside."""
    text = reading.text
    for match in _CALLED.finditer(text) if reading.has(*_SAY) else ():
        value = match["value"].rstrip(_AFTER_VALUE)
        plain = value.lower().lstrip("@")
        if plain in _OF_MACHINES or not plain[0].isalnum():
            continue
        named = match["surely"] and match["sign"] and plain not in listed.words and plain not in listed.functions
        odd = _ODD.search(value) is not None and not plain.replace(".", "").isdigit()
        if named or (odd and (match["sign"] or match["surely"] or value[0] == "@" or any(map(str.isdigit, value)))):
            yield _user(match, value)
    for match in _DONE_BY.finditer(text) if reading.has("ed by", "ed to", "ent by", "ten by") else ():
        if _ODD.search(match["value"].rstrip(_AFTER_VALUE)) and not match["value"][0].isdigit():
            yield _user(match, match["value"].rstrip(_AFTER_VALUE))
    yield from _called_so(reading)
    for match in _ON_NETWORK.finditer(text) if reading.has("@", "whoami", "u/") else ():
        yield Span(*match.span(match.lastgroup or 0), "PERSON", 0.6, "person.user")
    for match in _TAGGED.finditer(text) if "#" in text else ():
        if match["value"].partition("#")[0].lower() not in listed.words:
            yield _user(match, match["value"])


def _called_so(reading: Reading) -> Iterator[Span]:
    """Before "... as my user name", behind "log in as"."""
    for match in _AS_NAME.finditer(reading.text) if reading.has(" as ") else ():
        name = match.lastgroup or ""
        value = match[name].rstrip(_AFTER_VALUE)
        if _ODD.search(value) and not value.replace(".", "").isdigit():
            yield _user(match, value, name)


def _user(match: re.Match[str], value: str, name: str = "value") -> Span:
    return Span(match.start(name), match.start(name) + len(value), "PERSON", 0.6, "person.user")
