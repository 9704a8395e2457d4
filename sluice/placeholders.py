r"""Placeholders such as `[EMAIL_1]`, and putting back what they stand for, also in a text that arrives in pieces.

A placeholder is one type name, an underscore and a number in brackets. Models rewrite them, so reading is loose:
`[email 1]`, `<EMAIL_1>`, `\[EMAIL\_1\]` and a bare `EMAIL_1` are the same one. What nobody gave a value stays as it
is: a placeholder that is shown is the safe failure.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from sluice.safe_text import Sealed

SEALED_AS: Final = "PromptReady.placeholders"
"""The field a map travels as: see sluice.sealing."""
Values = Mapping[str, str]
"""What placeholders stand for, by their exact form."""
OpenMap = Callable[[Sealed, str], Values]
"""Sealed map and subject to values; none where it cannot be opened any more."""

_TYPE = r"[A-Za-z]{2,16}(?:\\?_[A-Za-z]{1,16}){0,2}"
_LOOSE = re.compile(
    rf"[\[<({{]\s?(?P<type>{_TYPE})\\?[_\- ](?P<number>[0-9]{{1,6}})\s?[\]>)}}]"
    rf"|\\[\[<({{]\s?(?P<escaped>{_TYPE})\\?[_\- ](?P<its_number>[0-9]{{1,6}})\s?\\[\]>)}}]"
    r"|(?<![A-Za-z0-9_])(?P<bare>[A-Z]{2,16}(?:_[A-Z]{1,16}){0,2}_[0-9]{1,6})(?![A-Za-z0-9_])"
)
_OPEN_END = re.compile(
    r"\\?[\[<({](?:\s?(?:[A-Za-z][A-Za-z_\\]{0,53})?(?:(?<=[A-Za-z\\_])[_\- ]?[0-9]{0,6}\s?\\?)?)?\Z"
    r"|\\\Z"
    r"|(?<![A-Za-z0-9_])[A-Z][A-Z_]{0,51}[0-9]{0,6}\Z"
)
"""The end of a piece that more text may turn into a placeholder. Takes in more than that, never less."""


def placeholder(kind: str, number: int) -> str:
    """The exact form."""
    return f"[{kind}_{number}]"


def find_placeholders(text: str) -> list[tuple[int, int, str]]:
    """Start, end and exact form of everything that reads as a placeholder."""
    return [(match.start(), match.end(), _exact(match)) for match in _LOOSE.finditer(text)]


def restore(text: str, values: Values) -> str:
    """The whole text with the values in their places."""
    return _LOOSE.sub(lambda match: values.get(_exact(match), match[0]), text)


class Restorer:
    """The same for a text in pieces: however it is cut, the pieces add up to `restore` of the whole.

    Keeps back only what may be the beginning of a placeholder. What has been given after n pieces depends on the text
    so far and not on the cuts, so a reader who comes back finds the same.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._held = ""
        self._before = ""

    def take(self, piece: str) -> str:
        """What can be shown now."""
        text = self._before + self._held + piece
        start, open_end = len(self._before), _OPEN_END.search(text, len(self._before))
        return self._give(text, start, open_end.start() if open_end else len(text))

    def begin_again(self) -> None:
        """What was taken is void."""
        self._held = self._before = ""

    def finish(self) -> str:
        """What was kept back, as the text has ended."""
        text = self._before + self._held
        return self._give(text, len(self._before), len(text))

    def _give(self, text: str, start: int, end: int) -> str:
        pieces, position = [], start
        for match in _LOOSE.finditer(text, start):
            if match.start() >= end:
                break
            pieces += [text[position : match.start()], self._values.get(_exact(match), match[0])]
            position = match.end()
        pieces.append(text[position:end])
        self._before, self._held = text[:end][-1:], text[end:]
        return "".join(pieces)


def show_none(_sealed: Sealed, _subject: str) -> Values:
    """An OpenMap without a key."""
    return {}


def encode_values(values: Values) -> str:
    """As it is sealed."""
    return msgspec.json.encode(dict(values)).decode()


def decode_values(text: str) -> dict[str, str]:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=dict[str, str])


def _exact(match: re.Match[str]) -> str:
    kind, number = match["type"] or match["escaped"], match["number"] or match["its_number"]
    if kind is None:
        kind, number = match["bare"].rsplit("_", 1)
    return placeholder(kind.replace("\\", "").upper(), int(number))
