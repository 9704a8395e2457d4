"""Which rows go into which file, and how far a partition may be committed: no Kafka, no disk.

The law, checked for every crash point: each offset that was taken is in exactly one file, whatever is read again.
Three rules make it hold. A partition's commit never passes a row that has no file. After a restart, offsets inside
files that exist are passed over, so files renamed before a crash that came ahead of the commit do no harm. A file
that exists is never written again: its rows leave the batch as soon as it has its name.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from connectors.runs import Runs
from sluice.dead_letters import Origin

_NOTHING = Runs()


class Place(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Row(NamedTuple):
    """One record fit for landing. `size` is its encoded size, the measure of memory; `origin` makes the record itself.

    `logged_ms` is the log's time, in milliseconds since 1970.
    """

    place: Place
    offset: int
    day: date
    logged_ms: int
    fields: dict[str, Any]
    size: int
    origin: Callable[[], Origin]


@dataclass(frozen=True, slots=True)
class Portion:
    """Rows of one partition in the order of the log, of one flush; those of one file are of one day."""

    place: Place
    day: date
    rows: tuple[Row, ...]

    @property
    def first(self) -> int:
        """Offset of the first row."""
        return self.rows[0].offset

    @property
    def last(self) -> int:
        """Offset of the last row. Offsets between may be in the file of another day."""
        return self.rows[-1].offset


@dataclass(slots=True)
class Batch:
    """What was read and is not yet landed."""

    _landed: dict[Place, Runs] = field(default_factory=dict)
    _rows: dict[Place, list[Row]] = field(default_factory=dict)
    _next: dict[Place, int] = field(default_factory=dict)
    _committed: dict[Place, int] = field(default_factory=dict)
    size: int = 0
    count: int = 0

    def open(self, place: Place, landed: Runs = _NOTHING) -> None:
        """Begin with a partition; `landed` are the offsets that its files hold already."""
        self.drop(place)
        self._landed[place] = landed

    def drop(self, place: Place) -> None:
        """Forget a partition that now belongs to another."""
        for row in self._rows.pop(place, []):
            self._forget(row)
        for known in (self._landed, self._next, self._committed):
            known.pop(place, None)

    def is_new(self, place: Place, offset: int) -> bool:
        """False for a record that is in a file, or in this batch."""
        return offset >= self._next.get(place, 0) and not self._landed.get(place, _NOTHING).hold(offset)

    def take(self, row: Row) -> None:
        """Keep a row and move past it."""
        self._rows.setdefault(row.place, []).append(row)
        self.size += row.size
        self.count += 1
        self._next[row.place] = row.offset + 1

    def pass_over(self, place: Place, offset: int) -> None:
        """Move past a record that is no row here: landed before, or put with the dead letters."""
        self._next[place] = max(offset + 1, self._next.get(place, 0))

    def portions(self) -> Iterator[Portion]:
        """All that waits, as files to be."""
        for place, rows in [*self._rows.items()]:
            for day in sorted({row.day for row in rows}):
                yield Portion(place, day, tuple(row for row in rows if row.day == day))

    def by_place(self) -> Iterator[Portion]:
        """All that waits, one portion a partition whatever the days."""
        for place, rows in [*self._rows.items()]:
            if rows:
                yield Portion(place, rows[0].day, tuple(rows))

    def settle(self, portion: Portion) -> None:
        """The portion's rows are in a file, or with the dead letters."""
        gone = {row.offset for row in portion.rows}
        left = []
        for row in self._rows[portion.place]:
            if row.offset in gone:
                self._forget(row)
            else:
                left.append(row)
        self._rows[portion.place] = left

    def commits(self) -> dict[Place, int]:
        """Offsets to commit: where a partition goes on, if all before is settled and there is something new."""
        return {
            place: offset
            for place, offset in self._next.items()
            if not self._rows.get(place) and self._committed.get(place) != offset
        }

    def committed(self, offsets: Mapping[Place, int]) -> None:
        """These are committed."""
        self._committed.update(offsets)

    @property
    def oldest(self) -> datetime | None:
        """The log's time of the oldest row that waits."""
        oldest = min((rows[0].logged_ms for rows in self._rows.values() if rows), default=None)
        return None if oldest is None else datetime.fromtimestamp(oldest / 1000, UTC)

    def _forget(self, row: Row) -> None:
        self.size -= row.size
        self.count -= 1
