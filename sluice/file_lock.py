"""Locks between processes of one machine: held until the block ends or the process does."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REWRITING = "_rewriting.lock"
"""In the landing zone: of who changes or removes files that have their name, and of who must see none of that."""


@contextmanager
def locked(file: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock; False where another one does and nobody is to wait."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
