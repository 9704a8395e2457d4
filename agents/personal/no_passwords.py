"""What stands where a password could, and is none: said about one, or written in its place."""

import re

_IN_ITS_PLACE_WORDS = frozenset(
    """required reset incorrect wrong invalid expired protected forgotten changed missing empty null none true
    false string str nil undefined not the a an my your our their his her and or for to in of on at is was
    please manager policy hash field hint length too very still also here there below above correct needed same
    being falsch nicht sicher weg must should can cannot will has have had text varchar bytes char int integer
    bool boolean secretstr optional""".split()  # noqa: SIM905
)
_SAID_ABOUT_ONE = frozenset(
    """were be been stored hashed encrypted salted leaked compromised saved cached generated shared rejected
    accepted stolen typed masked redacted hidden used reused rotated updated locked blocked disabled enabled
    sent emailed kept verified validated checked compared passed set unset limited based chosen given working
    expiring changing failing getting doing going asking weak strong short long unique secure safe easy hard
    different new old visible known public stale valid ok okay fine bad good random now just already always
    never only what why how where when that this it about more less so no yes from with by as if but then than i
    we you they he she case-sensitive sensitive default unknown later again anymore somewhere something anything
    everything nothing mine yours gone lost out off up done ready important simple complex confidential private
    ist der die das ein eine mein dein est le la les un une mon ton pas es el los las mi tu incorrecta
    incorrecto perdida falsch abgelaufen""".split()  # noqa: SIM905
)
"""Behind "is" only."""
_IN_ITS_PLACE = re.compile(
    r"[*.xX•·_-]+"
    r"|<[a-z][\w .-]{0,40}>|\[[a-z_ .-]{0,40}(?:_\d{1,6})?\]?|\{{1,2}[^{}]{0,80}\}{0,2}|%[a-z_]{1,40}%|%s"
    r"|%\(\w{1,40}\)s"
    r"|\$\{[^}]{0,80}\}?|\$\([^)]{0,80}\)?|\$[A-Z][A-Z0-9_]{2,40}|\$\w{0,30}(?:pass|pwd|secret|token|key)\w{0,30}"
    r"|[a-z_]\w{0,40}(?:\.\w{1,40}){0,6}(?:[(\[]|[(\[]\S{0,100}[)\]])"
    r"|(?:self|this|settings|config|cfg|conf|os|env|process|args|options|opts|request|req|data|user|form|body"
    r"|params|ctx"
    r"|context|secrets|state|props|event|credentials|creds|account|var|local|module|values)(?:\.[a-z_]\w{0,40}){1,6}",
    re.IGNORECASE,
)
_PARTICIPLE = re.compile(r"[a-z]{2,20}(?:ed|ing)\Z")
_GOES_ON = re.compile(
    r"\s(?:in|by|with|to|for|on|at|from|as|every|after|before|when|using|via|until|only|automatically|again"
    r"|correctly|and|or"
    r"|me|us|it|the|my|a)\b"
)


def is_none(value: str, behind: str = "", *, said: bool = False) -> bool:
    """Whole forms only: a real password may begin with any sign and end like any word.

    `said`: behind a verb, not a sign; `behind`: what follows it.
    """
    word = value.rstrip(".!?)").lower()
    if not word or word in _IN_ITS_PLACE_WORDS or _IN_ITS_PLACE.fullmatch(value.rstrip(";,")):
        return True
    return said and (
        word in _SAID_ABOUT_ONE or (_PARTICIPLE.match(value) is not None and _GOES_ON.match(behind) is not None)
    )
