"""Data keys, one a subject, behind a small port.

The file adapter keeps one file a subject, named by a hash, readable by its owner only. Deleting it is erasure:
what was sealed under it cannot be opened again.
"""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class DataKey:
    """A subject's key for AES-256-GCM with its generation, 1 for the first."""

    generation: int
    secret: bytes


class KeyMissing(Exception):
    """The subject has no key of that generation: erased, or never seen here."""


class KeyStore(Protocol):
    """Where data keys live. Losing it loses the text, so it is durable before a key is used."""

    def current(self, subject: str) -> DataKey:
        """The key to seal with, made if there is none."""
        ...

    def find(self, subject: str, generation: int) -> DataKey:
        """The key something was sealed with. Raises KeyMissing."""
        ...

    def destroy(self, subject: str) -> bool:
        """Forget all keys of a subject. False where there was none."""
        ...


class MemoryKeyStore:
    """For tests; kept equal to the file adapter by one suite."""

    def __init__(self) -> None:
        self._keys: dict[str, DataKey] = {}

    def current(self, subject: str) -> DataKey:
        """See KeyStore."""
        return self._keys.setdefault(subject, DataKey(1, secrets.token_bytes(KEY_BYTES)))

    def find(self, subject: str, generation: int) -> DataKey:
        """See KeyStore."""
        key = self._keys.get(subject)
        if key is None or key.generation != generation:
            raise KeyMissing
        return key

    def destroy(self, subject: str) -> bool:
        """See KeyStore."""
        return self._keys.pop(subject, None) is not None


class FileKeyStore:
    """One file a subject, `<generation>:<hex>`; several processes may share the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def current(self, subject: str) -> DataKey:
        """See KeyStore. Of two processes that make the first key at once, one wins and both use its key."""
        path = self._path(subject)
        if not path.exists():
            create_secret_file(path, f"1:{secrets.token_hex(KEY_BYTES)}".encode())
        return self._read(path)

    def find(self, subject: str, generation: int) -> DataKey:
        """See KeyStore."""
        key = self._read(self._path(subject))
        if key.generation != generation:
            raise KeyMissing
        return key

    def destroy(self, subject: str) -> bool:
        """See KeyStore."""
        try:
            self._path(subject).unlink()
        except FileNotFoundError:
            return False
        return True

    def _path(self, subject: str) -> Path:
        return self._folder / (hashlib.sha256(subject.encode()).hexdigest() + ".key")

    def _read(self, path: Path) -> DataKey:
        try:
            generation, _, secret = path.read_text().partition(":")
            key = DataKey(int(generation), bytes.fromhex(secret))
        except (FileNotFoundError, ValueError):
            raise KeyMissing from None
        if len(key.secret) != KEY_BYTES:
            raise KeyMissing
        return key


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
