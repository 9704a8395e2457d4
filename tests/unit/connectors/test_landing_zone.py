"""The folder: whole files or none, one writer, one cluster."""

from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.batching import Place, Portion, Row
from connectors.landing_zone import LandingZone
from sluice.dead_letters import Origin
from sluice.errors import ConfigurationError
from sluice.topics import catalogue

PLACE = Place("llm-usage", 3)
DAY = date(2026, 3, 1)
AT = datetime(2026, 3, 1, tzinfo=UTC)


def land(zone: LandingZone, *offsets: int, place: Place = PLACE) -> Path:
    rows = tuple(Row(place, o, DAY, 0, {}, 1, partial(Origin, *place, o, AT, None, b"", [])) for o in offsets)
    return zone.write(Portion(place, DAY, rows), pa.table({"_offset": pa.array(offsets, pa.int64())}))


def test_a_file_is_named_after_what_is_in_it(tmp_path: Path) -> None:
    path = land(LandingZone(tmp_path), 5, 6, 9)
    assert path.relative_to(tmp_path) == Path("llm-usage/date=2026-03-01/llm-usage-3-5-9.parquet")
    assert pq.read_table(path)["_offset"].to_pylist() == [5, 6, 9]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_restart_learns_what_has_landed(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    land(zone, 0, 1)
    land(zone, 2, 4)
    land(zone, 2, 3, place=Place("llm-usage", 4))
    landed = zone.landed(PLACE, 1)
    assert [offset for offset in range(6) if landed.hold(offset)] == [1, 2, 4]


def test_what_nobody_can_read_holds_nothing_and_is_landed_once_more(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    land(zone, 0, 1)
    damaged = land(zone, 2, 4)
    damaged.write_bytes(b"broken")
    landed = zone.landed(PLACE, 0)
    assert [offset for offset in range(6) if landed.hold(offset)] == [0, 1]
    assert land(zone, 2, 4) == damaged
    assert zone.landed(PLACE, 0).hold(4)


def test_dead_letter_topics_are_told_from_their_origins(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    land(zone, 7, place=Place("llm-usage-dlq", 0))
    assert [file.place for file in zone.files("llm-usage-dlq")] == [Place("llm-usage-dlq", 0)]
    assert [*zone.files("llm-usage")] == []


def test_leftovers_of_a_crash_are_removed(tmp_path: Path) -> None:
    leftover = land(LandingZone(tmp_path), 1).with_suffix(".parquet.part")
    leftover.touch()
    with LandingZone(tmp_path).claim("c-1", "f-1"):
        assert not leftover.exists()


def test_the_folder_keeps_its_id(tmp_path: Path) -> None:
    with LandingZone(tmp_path).claim("c-1", "f-1") as first:
        assert first == "f-1"
    with LandingZone(tmp_path).claim("c-1", "f-2") as second:
        assert second == "f-1"


def test_one_folder_has_one_sink(tmp_path: Path) -> None:
    with (
        LandingZone(tmp_path).claim("c-1", "f-1"),
        pytest.raises(ConfigurationError, match="Another landing sink"),
        LandingZone(tmp_path).claim("c-1", "f-1"),
    ):
        pass


def test_files_of_another_cluster_are_not_mixed(tmp_path: Path) -> None:
    with LandingZone(tmp_path).claim("c-1", "f-1"):
        pass
    with pytest.raises(ConfigurationError, match="another Kafka cluster"), LandingZone(tmp_path).claim("c-2", "f-1"):
        pass


def test_columns_are_there_before_rows(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    zone.declare(catalogue()["llm-usage"])
    path = tmp_path / "llm-usage" / "_columns.parquet"
    assert pq.read_table(path).num_rows == 0
    before = path.stat().st_mtime_ns
    zone.declare(catalogue()["llm-usage"])
    assert path.stat().st_mtime_ns == before
    pq.write_table(pa.table({"old": [1]}), path)
    zone.declare(catalogue()["llm-usage"])
    assert "cost_usd" in pq.read_schema(path).names


def test_columns_that_were_cut_off_are_written_anew(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path)
    zone.declare(catalogue()["llm-usage"])
    path = tmp_path / "llm-usage" / "_columns.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    zone.declare(catalogue()["llm-usage"])
    assert path.read_bytes() == whole


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        land(LandingZone(tmp_path), 1)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be written"), LandingZone(tmp_path / "file").claim("c", "id"):
        raise AssertionError
