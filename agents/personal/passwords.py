"""Secrets that only the words around tell: what is called a password, a code or a key, and what commands are given."""

import re
from collections.abc import Iterator

from agents.personal.no_passwords import is_none
from agents.personal.reading import Reading
from agents.personal.spans import PersonalType, Span

_NAME = (
    r"(?:pass[ -]?(?:words?|wd|code|phrase|key)|pass|pass?w?or[dt]|passwr?o?d|paswd|pass?wrod|pssw(?:or)?d"
    r"|p(?:ass)?word|pwd|pswd"
    r"|psw|passwort|kennwort|mot de passe|mdp|contrase(?:ñ|n)a|clave(?=\s?[:=])|wachtwoord|senha|has(?:ł|l)o"
    r"|l(?:ö|o)senord|adgangskode|salasana|parola|heslo|jelsz(?:ó|o)|(?:ş|s)ifre|пароль|пароля|pw"
    r"|pin(?: ?code)?|puk|otp"
    r"|(?:2fa|mfa|sms|verification|security|confirmation|activation|authentication|auth|one[ -]time|door|gate"
    r"|alarm|entry|backup|recovery|reset|login|sign[ -]?in|pairing|access|key ?pad|key ?safe|lock ?box|garage|building"
    r"|safe|lock|unlock|voicemail) (?:pass)?code)"
)
_KEY_NAME = (
    r"(?:[a-z0-9]{0,20}[_-])?(?:secret(?:[_ -]?(?:access[_ -]?)?key)?|client[_ -]?secret"
    r"|(?:api|access|private|encryption|signing)[_ -]?key|(?:access|auth|refresh|session)[_ -]?token|session[_ -]?id"
    r"|token|credential)s?"
)
_QUOTED = r"(?P<quote>[\"'])(?P<quoted>[^\"'\n]{3,200})(?P=quote)"
_OF_WHAT = r"(?:\s(?:for|on|of|to|at|zu|f(?:ü|u)r|pour|para|per)(?:\s[\w.'-]{1,20}){1,4}?)"
_SAID = re.compile(
    rf"(?:(?<![^\W_]){_NAME}"
    r"|(?<=[^\W\d_])(?:passphrase|password|passwd|pwd)(?=[\"']?\s{0,2}[:=]))(?![^\W\d_])"
    rf"(?:[\"']?(?:{_OF_WHAT}?\s{{0,2}}(?:(?P<sign>[:=]|=>|->|→)\s{{0,3}}"
    rf"|\s?(?P<verb>is|ist|lautet|c'est|est|es|è|é|was|war|to(?=\s\S{{0,40}}[\d!#$%&*+=?@^~]))\s{{1,2}})|\s{{0,2}}\s)|'s\s(?P<of>))"
    rf"(?:{_QUOTED}|(?P<bare>[^\s\"',;]{{3,100}}))",
    re.IGNORECASE,
)
_KEYED = re.compile(
    rf"(?<![^\W_]){_KEY_NAME}[\"']?(?:\s{{0,2}}(?::=|[:=]|=>)\s{{0,3}}|\sis\s|\s(?=[\w~+/=.-]{{24,}}))(?:{_QUOTED}"
    rf"|(?P<bare>[^\s\"',;]{{8,500}}))",
    re.IGNORECASE,
)
_UNSPACED = re.compile(r"(?:密码|密碼|パスワード|비밀번호|암호)\s?(?:是|は|는|:|=)?\s?(?P<bare>[!-~]{4,100})")
_NUMERIC = re.compile(r"(?:pin|puk|otp|code)", re.IGNORECASE)
_PHRASE = re.compile(
    r"(?<![^\W_])pass[ -]?(?:phrase|word)[\"']?(?:\s?[:=]\s{0,2}"
    r"|\sis\s)(?P<bare>[a-z]{3,12}(?:[ -][a-z]{3,12}){2,11})"
    r"(?=[.!]?\s*(?:\n|\Z))",
    re.IGNORECASE,
)
_OF_A_SENTENCE = frozenset(
    """the that this what which is are was not too must should can will has have had for and but your our his her its
    you they use with""".split()  # noqa: SIM905
)
_HINTS = tuple(
    """pas pssw pw psw kennwort mdp contrase clave wachtwoord senha hasło haslo senord adgang salasana parola heslo
    jelsz ifre парол pin puk otp code pword""".split()  # noqa: SIM905
)
"""Each name has one of these in it: to look for them costs little."""
_PUNCTUATION_AFTER = ".,;:!?)]}\"'"


def passwords(reading: Reading) -> Iterator[Span]:
    """In prose, settings and code."""
    text = reading.text
    for match in _SAID.finditer(text) if reading.has(*_HINTS) else ():
        yield from _password(match)
    for match in _KEYED.finditer(text) if reading.has("key", "token", "secret", "session", "credential") else ():
        yield from _key(match)
    for match in _UNSPACED.finditer(text):
        yield _span(*match.span("bare"), 0.7)
    for match in _PHRASE.finditer(text) if reading.has("pass") else ():
        if _OF_A_SENTENCE.isdisjoint(re.split(r"[ -]", match["bare"].lower())):
            yield _span(*match.span("bare"), 0.75)


def _value(match: re.Match[str]) -> tuple[int, str]:
    """Where it begins; nothing where it is none."""
    name = "quoted" if match["quoted"] else "bare"
    value = match[name]
    if name == "bare":
        value = value.rstrip(_PUNCTUATION_AFTER) if not value.endswith(("!", "?")) else value
    said = not (match.groupdict().get("sign") or match["quoted"])
    none = is_none(value, match.string[match.start(name) + len(value) : match.end() + 15], said=said)
    return match.start(name), "" if none else value


def _password(match: re.Match[str]) -> Iterator[Span]:
    start, value = _value(match)
    if not value:
        return
    called = match.string[match.start() : start]
    surely = bool(match["sign"] or match["quoted"]) or (_is_odd(value) and _two_kinds(value))
    if surely or (value.isdigit() and 4 <= len(value) <= 8 and _NUMERIC.search(called)):
        yield _span(start, start + len(value), 0.85)
    elif match["verb"] or match["of"] is not None:
        yield _span(start, start + len(value), 0.5)


def _key(match: re.Match[str]) -> Iterator[Span]:
    start, value = _value(match)
    if _is_odd(value) and any(c.isdigit() for c in value) and "(" not in value:
        yield _span(start, start + len(value), 0.95 if _RANDOM.match(value) else 0.85, "API_KEY")


_RANDOM = re.compile(
    r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w+/=.~-]{20,}\Z|[0-9a-fA-F]{32,}\Z|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z"
)


def _span(start: int, end: int, score: float, kind: PersonalType = "PASSWORD") -> Span:
    return Span(start, end, kind, score, f"{kind.lower().replace('_', '-')}.said")


def _is_odd(value: str) -> bool:
    return any(c.isdigit() or not c.isalnum() for c in value) or value[1:] != value[1:].lower()


def _two_kinds(value: str) -> bool:
    """Letters and digits or signs: no word of a language, no plain number with a unit."""
    return any(c.isalpha() for c in value) and any(not c.isalpha() and c not in "'-." for c in value)


_ARGUMENT = r"(?:\"(?P<double>[^\"\n]{2,100})\"|'(?P<single>[^'\n]{2,100})'|(?P<bare>[^\s\"'-][^\s\"']{2,100}))"
_COMMANDS = (
    re.compile(rf"\b(?:mysql(?:dump|admin)?|mariadb)\b[^\n]{{0,120}}?\s-p{_ARGUMENT}"),
    re.compile(rf"\bsshpass\s{{1,3}}-p\s?{_ARGUMENT}"),
    re.compile(rf"(?<!\S)--(?:[a-z]{{1,20}}-)?(?:password|passwd|pass|pwd)[ =]{_ARGUMENT}"),
)
_ACCOUNT = re.compile(r"(?<!\S)(?:-u|-U|--user|--proxy-user)[ =]?[\"']?[^\s:\"'@/=]{1,60}:(?P<bare>[^\s\"']{3,100})")
_CLIENT = re.compile(r"\b(?:curl|wget|https?)\b")
_CLIENT_BEFORE = 160
_PAIR = re.compile(
    r"(?<![^\W_])(?:creds?|credentials|log ?in|logon|user(?:name)?(?: ?/ ?| and | & )pass(?:word)?)(?: details"
    r"| info| is| are)?"
    r"\s?[:=-]?\s?(?P<user>[\w.@-]{2,40})(?::| ?/ ?)(?P<bare>(?!/)[^\s\"',;]{4,60})",
    re.IGNORECASE,
)
_NETWORK = re.compile(
    r"\b(?:wi-?fi|wlan|wpa2?|router|hotspot)\b[^\n]{0,50}?\b(?:key|code|pass)\b(?:\s?[:=]"
    r"|\sis)?\s(?P<bare>[^\s\"',;]{6,63})",
    re.IGNORECASE,
)
_WITH_ADDRESS = re.compile(
    r"(?<![\w.@+-])[\w.+-]{1,40}@[\w-]{1,40}(?:\.[\w-]{1,20}){1,3} ?(?:/|\|) ?(?P<bare>(?!/)[^\s\"',;@/]{6,60})"
)
"""An address and what opens it: "anna@example.com / Spring2024!"."""
_SAY_PAIR, _SAY_NETWORK = ("cred", "log", "user"), ("wi", "wlan", "wpa", "router", "hotspot")


def command_passwords(reading: Reading) -> Iterator[Span]:
    """Arguments of commands; name and password together."""
    text = reading.text
    for command in _COMMANDS:
        for match in command.finditer(text) if reading.has("-p") else ():
            name = "double" if match["double"] else "single" if match["single"] else "bare"
            if not is_none(match[name]):
                yield _span(*match.span(name), 0.85)
    for match in _ACCOUNT.finditer(text) if reading.has("-u", "--proxy-user") else ():
        said = _CLIENT.search(text, max(0, match.start() - _CLIENT_BEFORE), match.start())
        if not is_none(match["bare"]) and (said or _two_kinds(match["bare"])):
            yield _span(*match.span("bare"), 0.85)
    for pattern, needed in ((_PAIR, _SAY_PAIR), (_NETWORK, _SAY_NETWORK), (_WITH_ADDRESS, ("@",))):
        for match in pattern.finditer(text) if reading.has(*needed) else ():
            value = match["bare"].rstrip(_PUNCTUATION_AFTER.replace("!", ""))
            if _two_kinds(value) and not is_none(value):
                yield _span(match.start("bare"), match.start("bare") + len(value), 0.75)
