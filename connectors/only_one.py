"""A folder that one process at a time may write to."""

import fcntl
from pathlib import Path
from typing import IO


class Taken(Exception):
    """Another process holds it."""


def hold(folder: Path) -> IO[str]:
    """Hold the folder until the file given is closed or the process ends, however it ends. Raises Taken."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "_lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise Taken(str(folder)) from None
    return file


def is_held(folder: Path) -> bool:
    """Whether somebody holds it now."""
    try:
        hold(folder).close()
    except Taken:
        return True
    return False
