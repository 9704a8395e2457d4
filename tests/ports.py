"""Ports for the servers of tests, which nobody takes between their choice and their use.

They lie below those that the system gives to connections (32768 and up). Each process that runs tests has a share of
its own, and holds the first port of it for as long as it lives: this keeps others away, of another run too.
"""

import random
import socket
from collections.abc import Sequence
from functools import cache

_FIRST, _WIDTH, _SHARES = 14_500, 2_000, 9
_HELD: list[socket.socket] = []
_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, each given once."""
    return [_chosen([[port] for port in _shuffled(_share())])[0] for _ in range(count)]


def free_offset(*ports: int) -> int:
    """What a platform adds to each of these ports, so that nobody listens on any."""
    share = _share()
    offsets = _shuffled(range(share.start - min(ports), share.stop - max(ports)))
    return _chosen([[port + offset for port in ports] for offset in offsets])[0] - ports[0]


def _chosen(candidates: Sequence[list[int]]) -> list[int]:
    """The first of which all are free."""
    for _ in range(2):
        for candidate in candidates:
            if _given.isdisjoint(candidate) and all(map(_is_free, candidate)):
                _given.update(candidate)
                return candidate
        _given.clear()  # the first are those of servers that are no more
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@cache
def _share() -> range:
    for first in range(_FIRST, _FIRST + _WIDTH * _SHARES, _WIDTH):
        held = socket.socket()
        try:
            held.bind(("127.0.0.1", first))
        except OSError:
            held.close()
            continue
        _HELD.append(held)
        return range(first + 1, first + _WIDTH)
    raise AssertionError("too many run tests on this machine at once")


def _shuffled(ports: range) -> list[int]:
    return random.sample(ports, len(ports))
