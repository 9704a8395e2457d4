"""What `sluice redact` does to each line: a JSON object with a text in, the same text without personal data out."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from agents.personal.policy import Policy
from agents.personal.spans import Span
from agents.redact import Find, PersonalDataRefused, Redactor


class BadLine(Exception):
    """A line that is no JSON object with a text. Says where and why, never what it holds."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f'Line {number}: {reason}. Each line is a JSON object such as {{"text": "..."}}.')


class LineNotSearched(Exception):
    """The search failed. Says where and by which kind of error."""

    def __init__(self, number: int, error: Exception) -> None:
        kind = type(error).__name__
        super().__init__(
            f"Line {number}: could not be searched for personal data ({kind}); nothing of it is passed on."
        )


@dataclass(frozen=True, slots=True)
class RedactedLine:
    """One line of the answer."""

    document: dict[str, Any]
    refused: bool

    def __str__(self) -> str:
        """ASCII: half a surrogate pair cannot be written otherwise."""
        return json.dumps(self.document)


def redacted_lines(lines: Iterable[bytes], policy: Policy, find_spans: Find) -> Iterator[RedactedLine]:
    """One for each line that is not blank. Texts have nothing to do with each other.

    Raises BadLine, LineNotSearched.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        text = _text_of(line, number)
        try:
            spans = find_spans(text, policy)
        except Exception as error:  # noqa: BLE001 (its words may quote the text)
            raise LineNotSearched(number, error) from None
        yield _redacted(text, policy, spans)


def _redacted(text: str, policy: Policy, spans: list[Span]) -> RedactedLine:
    document: dict[str, Any] = {
        "redacted": None,
        "spans": [{"start": s.start, "end": s.end, "type": s.type, "score": s.score} for s in spans],
    }
    try:
        document["redacted"] = Redactor(policy, find_spans=lambda _text, _policy: spans).redact(text)
    except PersonalDataRefused:
        document["refused"] = sorted({span.type for span in spans if policy.action(span.type) == "refuse"})
        return RedactedLine(document, refused=True)
    return RedactedLine(document, refused=False)


def _text_of(line: bytes, number: int) -> str:
    try:
        found = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise BadLine(number, f"byte {error.start + 1} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise BadLine(number, f"not JSON at column {error.colno} ({error.msg})") from None
    except RecursionError:
        raise BadLine(number, "nested too deeply") from None
    except ValueError:
        raise BadLine(number, f"a number has more than {sys.get_int_max_str_digits()} digits") from None
    if not isinstance(found, dict):
        raise BadLine(number, "not an object")
    if not isinstance(found.get("text"), str):
        raise BadLine(number, '"text" is missing' if "text" not in found else '"text" is not a string')
    text: str = found["text"]
    return text
