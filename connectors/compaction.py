"""Many small landed files become one: a busy sink writes one every two seconds for each partition.

The larger file has the name of all its offsets and appears by a rename before the small ones go, so that a reader who
comes between finds rows twice and knows it by the names; what a crash leaves so is cleared by the next look. Files of
one size become one of the next, so that a row is written again only a few times.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, pairwise, permutations
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.landing_zone import LandedFile, LandingZone, file_name
from sluice.clock import Clock, utc_now
from sluice.durable_files import write_durably

FEWEST = 16
"""Files of a size are left alone until there are so many in a row; it is also how much larger the next size is."""
LARGEST_BYTES = 8_000_000
"""Larger ones are never made: a merge has the new file in memory, and a reader gains nothing."""
_ROWS_AT_ONCE = 20_000
_TICK_SECONDS = 2.0
"""The coarsest a file system tells when a folder changed: what comes within one tick leaves the same time."""


class Merged(NamedTuple):
    """One step."""

    path: Path
    files: int


class _Sized(NamedTuple):
    file: LandedFile
    bytes: int

    @property
    def tier(self) -> int:
        return int(log(max(self.bytes, 1_000), FEWEST))


@dataclass(slots=True)
class Compaction:
    """Of the zone's only writer, between its own files."""

    zone: LandingZone
    clock: Clock = utc_now
    _quiet: dict[Path, int] = field(default_factory=dict)
    """Folders in which nothing was to do, with their time of change."""

    def step(self, topics: Sequence[str]) -> Merged | None:
        """Merge the first files that are many enough; None where there are none.

        Raises OSError where the disk does not take it; whatever cannot be read together stays as it is.
        """
        with self.zone.rewriting(wait=False) as free:
            if not free:
                return None
            for folder, changed_ns in self._changed(topics):
                for together in _partitions(self.zone, folder):
                    with contextlib.suppress(pa.ArrowException):
                        self._clear_leftovers(together)
                    for few in _due([one for one in together if one.file.path.exists()]):
                        with contextlib.suppress(pa.ArrowException):
                            return self._merge(few)
                if self.clock().timestamp() - changed_ns / 1e9 > _TICK_SECONDS:
                    self._quiet[folder] = changed_ns
        return None

    def _changed(self, topics: Sequence[str]) -> Iterator[tuple[Path, int]]:
        for topic in topics:
            for folder in sorted((self.zone.root / topic).glob("date=*")):
                changed_ns = folder.stat().st_mtime_ns
                if self._quiet.get(folder) != changed_ns:
                    yield folder, changed_ns

    def _merge(self, few: Sequence[_Sized]) -> Merged:
        files = [one.file for one in few]
        first, last = files[0], files[-1]
        path = first.path.with_name(file_name(first.place, first.first, last.last))
        write_durably(path, _together([file.path for file in files]))
        for file in files:
            file.path.unlink()
        return Merged(path, len(files))

    def _clear_leftovers(self, together: Sequence[_Sized]) -> None:
        """Files whose offsets a larger one has, all of them."""
        for large, small in permutations((one.file for one in together), 2):
            covers = large.first <= small.first and small.last <= large.last
            if covers and large.path.exists() and small.path.exists() and _offsets(small) <= _offsets(large):
                small.path.unlink()


def _partitions(zone: LandingZone, folder: Path) -> Iterator[list[_Sized]]:
    files = sorted(zone.files_of(folder), key=lambda file: (file.place, file.first))
    for _, own in groupby(files, lambda file: file.place):
        yield [_Sized(file, file.path.stat().st_size) for file in own]


def _due(files: Sequence[_Sized]) -> Iterator[Sequence[_Sized]]:
    """Runs of neighbours, the smallest sizes first. Files whose offsets overlap are somebody's to look at."""
    if any(one.file.last >= other.file.first for one, other in pairwise(files)):
        return
    for tier in sorted({one.tier for one in files}):
        for small, run in groupby(files, partial(_is_of, tier)):
            few = _within(list(run), LARGEST_BYTES)
            if small and len(few) >= FEWEST:
                yield few


def _is_of(tier: int, one: _Sized) -> bool:
    return one.tier <= tier


def _within(run: list[_Sized], most: int) -> list[_Sized]:
    taken, size = 0, 0
    for one in run:
        size += one.bytes
        if size > most:
            break
        taken += 1
    return run[:taken]


def _together(paths: Sequence[Path]) -> bytes:
    """One file with all their columns. Columns that an older one lacks are null in its rows."""
    schema = pa.unify_schemas([pq.read_schema(path) for path in paths], promote_options="permissive")
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        waiting: list[pa.Table] = []
        for part in _parts(paths):
            waiting.append(pa.concat_tables([schema.empty_table(), part], promote_options="permissive"))
            if sum(table.num_rows for table in waiting) >= _ROWS_AT_ONCE:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _parts(paths: Sequence[Path]) -> Iterator[Any]:
    """A few rows at a time: what is 2 MB in a file can be 70 as a table."""
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE, use_threads=False):
                yield pa.Table.from_batches([batch])


def _offsets(file: LandedFile) -> set[int]:
    with pq.ParquetFile(file.path) as opened:
        return set(opened.read(columns=["_offset"], use_threads=False)["_offset"].to_pylist())
