"""Names in another script than the text around them: in English, a few words of Greek or Chinese are a name."""

import re
from collections.abc import Iterator

from agents.personal.spans import Span

_OTHER = (
    "\u0370-\u03ff\u1f00-\u1fff\u0400-\u052f\u0530-\u058f\u0590-\u05ff\u0600-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u10a0-\u10ff"
    "\u1200-\u137f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
)
_RUN = re.compile(rf"[{_OTHER}][{_OTHER}\u200c\u200d.'-]{{0,40}}(?: [{_OTHER}][{_OTHER}.'-]{{0,40}}){{0,5}}")
_LATIN = re.compile(r"[A-Za-z]")
_SHORTEST, _MOST_OF_TEXT = 2, 0.8


def foreign_names(text: str) -> Iterator[Span]:
    """Nothing in a text that is mostly of such a script itself."""
    if text.isascii():
        return
    runs = [*_RUN.finditer(text)]
    letters = sum(len(run[0]) for run in runs)
    if letters > _MOST_OF_TEXT * (letters + len(_LATIN.findall(text))):
        return
    for run in runs:
        if len(run[0].rstrip(".'-")) >= _SHORTEST:
            yield Span(run.start(), run.end(), "PERSON", 0.6, "name.script")
