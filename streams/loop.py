"""The event loop of a worker process."""

import sys

import uvloop

_SWITCH_SECONDS = 0.0005
"""Python's own 5 ms would keep a fetched record waiting while a model's answer is parsed."""


def install() -> None:
    """Call before anything asks for a loop."""
    uvloop.install()
    sys.setswitchinterval(_SWITCH_SECONDS)
