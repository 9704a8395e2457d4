"""What a provider means when it refuses, in OpenAI's terms. Its words are read and forgotten."""

import math
import re
from datetime import datetime
from email.utils import parsedate_to_datetime

import msgspec

from agents.failures import FailureKind

_KEY_OR_BALANCE = {401, 402, 403}
_OVERLOADED = {408, 503, 529}
_RATE_LIMITED = 429
_SERVER_ERROR = 500
_WRONG_REQUEST = {400, 422}
_LONGEST_WAIT_SECONDS = 600.0
_NO_BALANCE = re.compile(r"insufficient_quota|billing|balance", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|context (length|window)|maximum context|too many (input )?tokens"
    r"|(prompt|input) is too long|exceeds? the (max|limit)[^.]*tokens",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content_filter|content[_ ]policy|content management policy|safety system", re.IGNORECASE)
_LIMIT = re.compile(r"rate_limit|too_many_requests|\b429\b", re.IGNORECASE)


class ErrorObject(msgspec.Struct, frozen=True):
    """OpenAI's error object, as far as it is used."""

    message: str | None = None
    type: str | None = None
    code: str | int | None = None

    @property
    def words(self) -> str:
        """All of it, for a look at its words."""
        return f"{self.code} {self.type} {self.message}"


class _Body(msgspec.Struct, frozen=True):
    error: ErrorObject | str | None = None


_BODY = msgspec.json.Decoder(_Body)


def words_of(body: bytes) -> str:
    """What an error response says, as one text."""
    try:
        error = _BODY.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body[:4096].decode("utf-8", "replace")
    return error.words if isinstance(error, ErrorObject) else str(error)


def refusal_of(status: int, words: str, *, prefilled: bool) -> FailureKind:
    """Kind of an answer that is no 200."""
    if status in _KEY_OR_BALANCE or (status == _RATE_LIMITED and _NO_BALANCE.search(words)):
        return FailureKind.REFUSED_KEY
    if status == _RATE_LIMITED:
        return FailureKind.RATE_LIMITED
    if status in _OVERLOADED:
        return FailureKind.OVERLOADED
    if status >= _SERVER_ERROR:
        return FailureKind.SERVER_ERROR
    if _TOO_LONG.search(words):
        return FailureKind.CONTEXT_TOO_LONG
    if _FILTERED.search(words):
        return FailureKind.CONTENT_FILTERED
    refused_prefill = prefilled and status in _WRONG_REQUEST
    return FailureKind.REFUSED_PREFILL if refused_prefill else FailureKind.REFUSED_REQUEST


def error_in_stream(words: str) -> FailureKind:
    """Kind of an error object that came where a chunk was due."""
    return FailureKind.RATE_LIMITED_IN_STREAM if _LIMIT.search(words) else FailureKind.ERROR_IN_STREAM


def seconds_to_wait(retry_after: str | None, now: datetime) -> float | None:
    """`Retry-After` as seconds: a number, or a date (RFC 9110, 10.2.3). None where it says nothing of use.

    At most ten minutes: a wrong word must not take a model away for good.
    """
    seconds = None if retry_after is None else _seconds(retry_after, now)
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(0.0, seconds), _LONGEST_WAIT_SECONDS)


def _seconds(retry_after: str, now: datetime) -> float | None:
    try:
        return float(retry_after)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(retry_after) - now).total_seconds()
    except (ValueError, TypeError):
        return None
