"""What a writer remembers of the audit log's chain, so that a log that was cut at either end, or emptied, is noticed.

One small file beside the keys, shared by the processes of a machine: the first record of each day, and the last one.
Without it nobody can say whether something was cut off; one that was begun in the middle of a chain knows so.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from sluice.audit import Broken, Link, end_of
from sluice.durable_files import PRIVATE, write_durably
from sluice.events import AuditRecorded
from sluice.file_lock import locked

FILE = "audit.anchor"
Doubt = Literal["anchor missing", "anchor unreadable", "anchor begun late"]
"""Why the ends of a log are unknown."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """Places with their seals."""

    days: Mapping[str, Link]
    last: Link
    late: tuple[int, str] | None = None
    """Place and day of the first record it knows, where the chain had others before."""
    doubt: Doubt | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """Of one chain."""

    path: Path

    def note(self, records: Sequence[AuditRecorded]) -> None:
        """That these were appended, in this order."""
        if not records:
            return
        with self._held():
            known = self.read()
            first, late = records[0], known.late
            if known.doubt is not None and first.place > 0:
                late = first.place, _day(first)
            self._write(known, records, late)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One writer of this machine at a time: two that begin at once take the chain from each other."""
        with locked(self.path.with_suffix(".writing.lock")):
            yield

    def begin(self, records: Sequence[AuditRecorded]) -> None:
        """Take these for the whole log, whatever was remembered: a person has compared them with what has landed."""
        with self._held():
            self._write(Remembered({}, Link()), records, None)

    def read(self) -> Remembered:
        """Nothing but a doubt where nothing was appended from this machine yet, or the file cannot be read any more."""
        try:
            known = json.loads(self.path.read_bytes())
            days = {day: Link(*link) for day, link in known["days"].items() if date.fromisoformat(day)}
            late = (int(known["late"][0]), str(known["late"][1])) if known.get("late") else None
            return Remembered(days, Link(*known["last"]), late)
        except FileNotFoundError:
            return Remembered({}, Link(), doubt="anchor missing")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Remembered({}, Link(), doubt="anchor unreadable")

    def doubt(self, since: date, *, is_new: bool) -> Doubt | None:
        """Why nobody can say that nothing was cut off since a day. A log that never had a record needs no anchor."""
        known = self.read()
        if known.late is not None and date.fromisoformat(known.late[1]) >= since:
            return "anchor begun late"
        return None if is_new and known.doubt == "anchor missing" else known.doubt

    def missing(self, records: Mapping[int, AuditRecorded], since: date) -> Iterator[Broken]:
        """What is remembered since a day and is not among the log's records, by their places, any more."""
        known = self.read()
        links = {link.place: link for day, link in known.days.items() if date.fromisoformat(day) >= since}
        if links and known.last.place >= 0:
            links[known.last.place] = known.last
        for place in sorted(links):
            record = records.get(place)
            if record is None or record.seal != links[place].seal:
                yield Broken(-1, place, "removed")

    def _write(self, known: Remembered, records: Sequence[AuditRecorded], late: tuple[int, str] | None) -> None:
        days, last = dict(known.days), known.last
        for record in records:
            days.setdefault(_day(record), end_of(record))
            last = max(last, end_of(record), key=lambda link: link.place)
        document = {
            "days": {day: [link.place, link.seal] for day, link in days.items()},
            "last": [last.place, last.seal],
            "late": late,
        }
        write_durably(self.path, json.dumps(document).encode(), PRIVATE)

    @contextmanager
    def _held(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _day(record: AuditRecorded) -> str:
    return record.occurred_at.date().isoformat()
