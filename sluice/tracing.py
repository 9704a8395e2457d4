"""W3C Trace Context, version 00: the thread through gateway, stages and provider."""

import re
import secrets
from collections.abc import Callable

HEADER = "traceparent"
_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
RandomHex = Callable[[int], str]


def new_traceparent(random_hex: RandomHex = secrets.token_hex) -> str:
    """A fresh, sampled trace."""
    return f"00-{random_hex(16)}-{random_hex(8)}-01"


def is_traceparent(value: str | bytes | None) -> bool:
    """Whether a header says what it should, and nothing else."""
    return _FORM.fullmatch(value.decode(errors="replace") if isinstance(value, bytes) else value or "") is not None


def child_of(traceparent: str, random_hex: RandomHex = secrets.token_hex) -> str:
    """The same trace with a span of its own; a fresh trace where the given one is malformed."""
    match = _FORM.fullmatch(traceparent)
    return f"00-{match[1]}-{random_hex(8)}-01" if match else new_traceparent(random_hex)


def trace_id(traceparent: str) -> str:
    """The 32 hex digits that name the trace, or an empty string."""
    match = _FORM.fullmatch(traceparent)
    return match[1] if match else ""
