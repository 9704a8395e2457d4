"""A small SQLite file that the processes of one machine share: durable, its owner's alone, nothing of what is deleted
left in it.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from sluice.errors import ConfigurationError, Unavailable

_BUSY_SECONDS = 5.0


class SharedDatabase:
    """Threads share one connection behind a lock. `name` is what complaints call it."""

    def __init__(self, path: Path, tables: str, name: str, remedy: str) -> None:
        """Raises ConfigurationError, which ends with the remedy, where the file cannot be used."""
        self._name = name
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=_BUSY_SECONDS)
            for pragma in ("journal_mode=wal", "synchronous=full", "secure_delete=on"):
                self.db.execute(f"pragma {pragma}")
            self.db.executescript(tables)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"The {name} {path} cannot be used ({error}). {remedy}") from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self.db.close()

    @contextlib.contextmanager
    def held(self, *, writing: bool = False) -> Iterator[None]:
        """`db` is the caller's alone; what is written is written whole or not at all. Raises Unavailable."""
        with self._lock:
            try:
                if writing:
                    self.db.execute("begin immediate")
                yield
                if writing:
                    self.db.execute("commit")
            except sqlite3.Error as error:
                if self.db.in_transaction:
                    self.db.execute("rollback")
                raise Unavailable(f"The {self._name} does not answer ({error}).") from None

    def leave_nothing(self) -> None:
        """What was deleted is neither in the file nor beside it."""
        with self.held():
            self.db.execute("pragma wal_checkpoint(truncate)")

    def copy_to(self, path: Path) -> None:
        """A whole copy of the file, whatever is written meanwhile. Raises OSError where it cannot be written."""
        path.touch(mode=0o600, exist_ok=False)
        with self.held(), contextlib.closing(sqlite3.connect(path)) as copy:
            self.db.backup(copy)
