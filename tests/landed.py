"""What is in a landing zone, without the code that put it there."""

from pathlib import Path

import duckdb


def landed(zone: Path, topic: str) -> tuple[int, int]:
    """Rows, and distinct places in the log."""
    if not (zone / topic / "_columns.parquet").exists():
        return 0, 0
    with duckdb.connect() as db:
        found = db.execute(
            "select count(*), count(distinct (_partition, _offset)) "
            "from read_parquet(?, union_by_name = true, hive_partitioning = false)",
            [str(zone / topic / "**" / "*.parquet")],
        ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])
