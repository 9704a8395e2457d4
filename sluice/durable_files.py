"""Small files that are there whole or not at all, whatever ends the process or the machine."""

import os
from pathlib import Path

TEMPORARY = ".part"
"""Suffix of what a crash leaves half-written."""


def write_durably(path: Path, content: bytes) -> None:
    """Appears by a rename and is on the disk for good. Raises OSError and leaves nothing where that fails."""
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError:
        if temporary.is_file():
            temporary.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
