"""What a writer remembers of the audit log's chain, so that a log that was cut at either end, or emptied, is noticed.

One small file beside the keys, shared by the processes of a machine: the first record of each day, and the last one.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sluice.audit import Broken, Link, end_of
from sluice.durable_files import PRIVATE, write_durably
from sluice.events import AuditRecorded

FILE = "audit.anchor"


@dataclass(frozen=True, slots=True)
class Remembered:
    """Places with their seals."""

    days: Mapping[str, Link]
    last: Link


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
            days = dict(known.days)
            for record in records:
                days.setdefault(record.occurred_at.date().isoformat(), end_of(record))
            last = max(known.last, end_of(records[-1]), key=lambda link: link.place)
            document = {
                "days": {day: [link.place, link.seal] for day, link in days.items()},
                "last": [last.place, last.seal],
            }
            write_durably(self.path, json.dumps(document).encode(), PRIVATE)

    def read(self) -> Remembered:
        """Nothing where nothing was appended from this machine yet, or the file cannot be read any more."""
        try:
            known = json.loads(self.path.read_bytes())
            return Remembered({day: Link(*link) for day, link in known["days"].items()}, Link(*known["last"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Remembered({}, Link())

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

    @contextmanager
    def _held(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
