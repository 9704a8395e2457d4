"""Tokens as providers tell them: what cannot be is not believed, and counted here instead."""

from sluice.events import Usage

_MOST = 100_000_000
"""Of one call. More would not fit the ledger's numbers, nor any model's context."""


def told_usage(prompt: object, completion: object) -> Usage | None:
    """None where a provider does not say what it wrote, or says something that cannot be. No prompt counts as none."""
    read, written = _tokens(0 if prompt is None else prompt), _tokens(completion)
    if read is None or written is None:
        return None
    return Usage(prompt_tokens=read, completion_tokens=written, estimated=False)


def _tokens(told: object) -> int | None:
    """True and False are numbers to Python, and none to a ledger."""
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told <= _MOST else None
