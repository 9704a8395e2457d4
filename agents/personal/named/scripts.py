"""Names in another script than the text around them: in English, a few words of Greek or Chinese are a name."""

import re
from collections.abc import Iterator

from agents.personal.spans import Span

_OTHER = (
    "\u0370-\u03ff\u1f00-\u1fff\u0400-\u052f\u0530-\u058f\u0590-\u05ff\u0600-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u10a0-\u10ff"
    "\u1200-\u137f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
)
_RUN = re.compile(rf"[{_OTHER}][{_OTHER}\u200c\u200d.'-]{{0,40}}(?: [{_OTHER}][{_OTHER}.'-]{{0,40}}){{0,5}}")
_LATIN = re.compile(r"(?<![\w@.])[A-Za-z]+(?![\w@.]*[@\d])")
_SHORTEST, _MOST_OF_TEXT = 2, 0.8
_SAYS_NAME = re.compile(
    r"\A(?:我叫|我是|我的名字是|我的名字叫|名字是|名字叫|姓名|叫我|私は|名前は|제 이름은|이름은|меня зовут"
    r"|мене звати) ?"
)
_CAPITAL, _SMALL = "\u0386-\u03ab\u0400-\u042f", "\u03ac-\u03ce\u0430-\u045f"
_NAME = rf"[{_CAPITAL}][{_SMALL}]{{1,30}}(?:-[{_CAPITAL}][{_SMALL}]{{1,30}})?"
_INSIDE = re.compile(rf"(?<=[{_SMALL}])[,:]? (?P<name>{_NAME}(?: {_NAME}){{0,3}})(?![{_SMALL}])")
_SAID = re.compile(
    r"(?:我叫|我的名字是|我的名字叫|名字是|名字叫|姓名[::]? ?)(?P<name>[\u4e00-\u9fff]{2,4}?)(?=[^\u4e00-\u9fff]|\Z)"
    r"|(?:私は|名前は)(?P<japanese>[\u4e00-\u9fff\u3040-\u30ff]{2,8}?)(?:です|と申|といい|$)"
)
_POLITE = frozenset("вы вас вам вами ваш ваша ваше ваши вашу вашего вашей вашим вашими".split())  # noqa: SIM905


def foreign_names(text: str) -> Iterator[Span]:
    """In a text that is mostly of such a script itself, what is said to be a name, and capitals inside of sentences."""
    if text.isascii():
        return
    runs = [*_RUN.finditer(text)]
    words = sum(run[0].count(" ") + 1 for run in runs)
    if words > _MOST_OF_TEXT * (words + len(_LATIN.findall(text))):
        yield from _in_sentences(text)
        return
    for run in runs:
        said = _SAYS_NAME.match(run[0])
        start = run.start() + (len(said[0]) if said else 0)
        if run.end() - start - (len(run[0]) - len(run[0].rstrip(".'-"))) >= _SHORTEST:
            yield Span(start, run.end(), "PERSON", 0.6, "name.script")


def _in_sentences(text: str) -> Iterator[Span]:
    for match in _INSIDE.finditer(text):
        if match["name"].lower() not in _POLITE:
            yield Span(*match.span("name"), "PERSON", 0.55, "name.capital")
    for match in _SAID.finditer(text):
        yield Span(*match.span(match.lastgroup or 0), "PERSON", 0.6, "name.said")
