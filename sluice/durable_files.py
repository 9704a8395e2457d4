"""Small files that are there whole or not at all, whatever ends the process or the machine."""

import os
import secrets
from pathlib import Path

TEMPORARY = ".part"
"""Suffix of what a crash leaves half-written."""
PRIVATE = 0o600
"""Mode of a file that only its owner may read."""


def create_secret_file(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole and durable, unless it exists already."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()


def write_durably(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Appears by a rename and is on the disk for good. Raises OSError and leaves nothing where that fails."""
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
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
