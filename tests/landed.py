"""What is in a landing zone, without the code that put it there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from sluice.file_lock import REWRITING, locked


@contextmanager
def at_rest(zone: Path) -> Iterator[None]:
    """Nobody merges, rewrites or removes files for this block: a file that was seen can be read. New ones may come."""
    with locked(zone / REWRITING):
        yield


def landed(zone: Path, topic: str) -> tuple[int, int]:
    """Rows, and distinct places in the log."""
    if not (zone / topic / "_columns.parquet").exists():
        return 0, 0
    with duckdb.connect() as db, at_rest(zone):
        found = db.execute(
            "select count(*), count(distinct (_partition, _offset)) "
            "from read_parquet(?, union_by_name = true, hive_partitioning = false)",
            [str(zone / topic / "**" / "*.parquet")],
        ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def landed_bytes(zone: Path, *, without: str | None = None) -> dict[Path, bytes]:
    """Of all landed files, but for those of one topic."""
    with at_rest(zone):
        return {path: path.read_bytes() for path in zone.rglob("*.parquet") if path.parts[-3] != without}
