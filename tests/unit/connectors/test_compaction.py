"""Small files become larger ones: which, when, and what is left by who dies between."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import compaction as module
from connectors.compaction import FEWEST, Compaction
from connectors.landed_files import look, reading
from sluice.topics import catalogue
from tests.arrivals import LandedLog, made
from tests.doubles import NOON, ManualClock

TOPIC = "llm-usage"


@pytest.fixture
def log(tmp_path: Path) -> LandedLog:
    return LandedLog(tmp_path)


def land(log: LandedLog, count: int, *, partition: str = "t-1") -> list[Path]:
    return [
        path
        for number in range(count)
        for path in log.land([made("AttemptMetered", partition, f"a-{number}", NOON)], NOON)
    ]


def offsets(log: LandedLog) -> list[int]:
    tables = [pq.read_table(file.path, columns=["_offset"]) for file in log.zone.files(TOPIC)]
    return sorted(pa.concat_tables(tables)["_offset"].to_pylist())


def everything(compaction: Compaction) -> list[int]:
    counts = []
    while merged := compaction.step([TOPIC]):
        counts.append(merged.files)
    return counts


def test_enough_neighbours_become_one_with_the_name_of_all_offsets(log: LandedLog) -> None:
    paths = land(log, FEWEST)
    rows = [pq.read_table(path).to_pylist() for path in paths]
    merged = Compaction(log.zone).step([TOPIC])
    assert merged is not None
    (file,) = log.zone.files(TOPIC)
    assert (merged.files, file.first, file.last) == (FEWEST, 0, FEWEST - 1)
    assert pq.read_table(merged.path).to_pylist() == [row for few in rows for row in few]


def test_a_few_are_left_alone_until_more_come(log: LandedLog) -> None:
    compaction = Compaction(log.zone)
    land(log, FEWEST - 1)
    assert compaction.step([TOPIC]) is None
    assert compaction.step([TOPIC]) is None
    land(log, 1)
    assert everything(compaction) == [FEWEST]


@pytest.mark.parametrize(("hours", "merged"), [(0, [FEWEST]), (1, [])])
def test_a_folder_counts_as_unchanged_once_its_last_change_is_some_time_ago(
    log: LandedLog, hours: int, merged: list[int]
) -> None:
    """A file that comes in the same tick of the file system's clock leaves no other time of change."""
    folder = land(log, FEWEST - 1)[0].parent
    before = folder.stat()
    at = datetime.fromtimestamp(before.st_mtime, UTC) + timedelta(hours=hours)
    compaction = Compaction(log.zone, ManualClock(at))
    assert compaction.step([TOPIC]) is None
    land(log, 1)
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert everything(compaction) == merged


def test_sizes_climb_so_that_a_row_is_written_a_few_times_only(log: LandedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEWEST", 4)
    compaction = Compaction(log.zone)
    written = 0
    for _ in range(64):
        land(log, 1)
        written += sum(everything(compaction))
    assert len([*log.zone.files(TOPIC)]) < 16
    assert len(offsets(log)) == len(set(offsets(log))) == 64
    assert written < 64 * 4


def test_nothing_is_made_that_is_too_large(log: LandedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = land(log, 3 * FEWEST)
    monkeypatch.setattr(module, "LARGEST_BYTES", sum(path.stat().st_size for path in paths[: FEWEST + 2]) + 1)
    assert everything(Compaction(log.zone))[0] == FEWEST + 2
    monkeypatch.setattr(module, "LARGEST_BYTES", 1)
    assert everything(Compaction(log.zone)) == []


def test_who_dies_before_the_small_ones_go_leaves_rows_that_the_next_look_clears(
    log: LandedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(log, FEWEST)

    def die(_path: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", die)
        with pytest.raises(KeyboardInterrupt):
            Compaction(log.zone).step([TOPIC])
    assert len(offsets(log)) == 2 * FEWEST
    assert reading(look(log.zone, [catalogue()[TOPIC]], {}), None).same_place_twice
    assert everything(Compaction(log.zone)) == []
    assert len(offsets(log)) == FEWEST
    assert not reading(look(log.zone, [catalogue()[TOPIC]], {}), None).same_place_twice


def test_columns_of_newer_files_are_null_in_the_rows_of_older_ones(log: LandedLog) -> None:
    paths = land(log, FEWEST)
    older = pq.read_table(paths[0]).drop_columns(["price_version"])
    pq.write_table(older, paths[0])
    merged = Compaction(log.zone).step([TOPIC])
    assert merged is not None
    versions = pq.read_table(merged.path)["price_version"].to_pylist()
    assert versions[0] is None
    assert None not in versions[1:]


@pytest.mark.parametrize("way", ["another type", "no parquet"])
def test_files_that_do_not_fit_together_stay(log: LandedLog, way: str) -> None:
    paths = land(log, FEWEST)
    if way == "another type":
        pq.write_table(pa.table({"_offset": ["words"]}), paths[3])
    else:
        paths[3].write_bytes(b"no parquet")
    assert Compaction(log.zone).step([TOPIC]) is None
    assert all(path.exists() for path in paths)


def test_files_whose_offsets_overlap_are_somebodys_to_look_at(log: LandedLog) -> None:
    paths = land(log, FEWEST)
    file = next(iter(log.zone.files(TOPIC)))
    wider = paths[0].with_name(f"{TOPIC}-{file.place.partition}-{file.first}-{file.first + 1}.parquet")
    paths[0].rename(wider)
    assert Compaction(log.zone).step([TOPIC]) is None
    assert len([*log.zone.files(TOPIC)]) == FEWEST


def test_while_somebody_rewrites_files_it_waits(log: LandedLog) -> None:
    land(log, FEWEST)
    with log.zone.rewriting():
        assert Compaction(log.zone).step([TOPIC]) is None
    assert Compaction(log.zone).step([TOPIC]) is not None


def test_days_are_not_mixed(log: LandedLog) -> None:
    for number in range(FEWEST):
        at = NOON + timedelta(days=number % 2)
        log.land([made("AttemptMetered", "t-1", f"a-{number}", at)], at)
    assert Compaction(log.zone).step([TOPIC]) is None


def test_a_merge_has_few_rows_in_memory_however_many_a_file_has(
    log: LandedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.land([made("AttemptMetered", "t-1", f"a-{number}", NOON) for number in range(40)], NOON)
    land(log, FEWEST - 1)
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 7)
    merged = Compaction(log.zone).step([TOPIC])
    assert merged is not None
    about = pq.read_metadata(merged.path)
    assert about.num_rows == 40 + FEWEST - 1
    assert max(about.row_group(number).num_rows for number in range(about.num_row_groups)) < 14
    assert offsets(log) == list(range(40 + FEWEST - 1))
