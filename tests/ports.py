"""Ports for servers of tests, which stay free until they are listened on."""

import contextlib
import itertools
import os
import socket
from collections.abc import Iterator
from functools import cache

_OF_TESTS, _SHARES = range(31_500, 32_768), 8
"""Below those that the system gives to connections, which are 32768 and up."""


def free_ports(count: int) -> list[int]:
    """Nobody listens on them now, and neither a connection nor another worker takes one meanwhile."""
    found: list[int] = []
    while len(found) < count:
        port = next(_own())
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
    return found


@cache
def _own() -> Iterator[int]:
    """A worker's share, over and over; that of another run beside this one begins elsewhere."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = _OF_TESTS[worker % _SHARES :: _SHARES]
    begin = os.getpid() % len(own)
    return itertools.cycle([*own[begin:], *own[:begin]])
