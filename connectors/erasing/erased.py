"""What becomes of the rows of erased people in the landing zone.

Rows stay, so that counts, tokens and money stay right; nobody is named in them any more, and what was said is empty.
The zone keeps a short list of who was erased until when, for events that are landed later or once more. The list and
the rewriting of files exclude each other by a lock, so that no row slips through between both.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sluice.durable_files import write_durably

ERASED_USER, ERASED_SESSION = "usr_erased", "ses_erased"
"""In rows that land after the erasure."""
TEXTS = ("question", "answer")
"""Columns that hold what somebody said, without personal data."""


@dataclass(frozen=True, slots=True)
class Erased:
    """People with the time until which their rows are nobody's."""

    until: Mapping[str, datetime]

    def has(self, user_id: object, occurred_at: datetime) -> bool:
        """Whether a row is one of these."""
        until = self.until.get(str(user_id))
        return until is not None and occurred_at <= until

    def cleared(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row as it may land."""
        if not self.until or not self.has(fields.get("user_id"), fields["occurred_at"]):
            return fields
        texts = dict.fromkeys((name for name in TEXTS if name in fields), "")
        return dict(fields) | texts | {"user_id": ERASED_USER, "session_id": ERASED_SESSION}


NOBODY = Erased({})


class ErasedList:
    """`_erased.json` of one landing zone."""

    def __init__(self, root: Path) -> None:
        self._file, self._lock = root / "_erased.json", root / "_erased.lock"

    @contextmanager
    def while_landing(self) -> Iterator[Erased]:
        """The list, which nobody changes until the file is written."""
        with self._held(fcntl.LOCK_SH):
            yield self._read()

    def add(self, user_id: str, until: datetime) -> None:
        """From here on. Returns when no file is under way that was begun without it."""
        with self._held(fcntl.LOCK_EX):
            self._write({**self._read().until, user_id: until})

    def forget(self, before: datetime) -> None:
        """Who was erased so long ago that the log holds nothing of theirs."""
        with self._held(fcntl.LOCK_EX):
            known = self._read().until
            kept = {user_id: until for user_id, until in known.items() if until >= before}
            if kept != known:
                self._write(kept)

    @contextmanager
    def _held(self, how: int) -> Iterator[None]:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a") as lock:
            fcntl.flock(lock, how)
            yield

    def _read(self) -> Erased:
        if not self._file.exists():
            return Erased({})
        listed = json.loads(self._file.read_text())
        return Erased({user_id: datetime.fromisoformat(until) for user_id, until in listed.items()})

    def _write(self, until: Mapping[str, datetime]) -> None:
        write_durably(self._file, json.dumps({who: at.isoformat() for who, at in until.items()}).encode())
