"""When adding what is new is enough, and which files cannot be read."""

import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.columns import columns_of
from connectors.landed_files import Reading, ZoneFile, broken, lay_out, look, reading
from sluice.topics import catalogue
from tests.arrivals import LandedLog, made
from tests.doubles import NOON

TOPICS = [catalogue()["llm-usage"]]


def file(first: int, last: int, day: str = "2026-03-01", size: int = 1, problem: str | None = None) -> ZoneFile:
    path = f"llm-usage/date={day}/llm-usage-3-{first}-{last}.parquet"
    return ZoneFile(path, "llm-usage", size, 7, problem)


def read(files: list[ZoneFile], before: list[ZoneFile] | None) -> tuple[str | None, list[ZoneFile]]:
    found = reading(files, before)
    return found.anew, [*found.new]


FIRST, SECOND, THIRD = file(0, 4), file(5, 9), file(10, 14)


def test_the_first_time_everything_is_read() -> None:
    anew, new = read([SECOND, FIRST], None)
    assert anew is not None
    assert new == [FIRST, SECOND]


def test_then_only_what_is_new() -> None:
    assert read([FIRST, SECOND], [FIRST]) == (None, [SECOND])
    assert read([FIRST, SECOND], [FIRST, SECOND]) == (None, [])


def test_a_late_event_lies_in_the_folder_of_its_day() -> None:
    late = file(8, 8, "2026-02-20")
    assert read([FIRST, file(5, 9), late], [FIRST, file(5, 9)]) == (None, [late])


def test_older_offsets_that_land_later_are_only_new() -> None:
    assert read([FIRST, SECOND, THIRD], [FIRST, THIRD]) == (None, [SECOND])


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([file(0, 4, size=2), SECOND], "0-4.parquet was rewritten"),
        ([SECOND], "0-4.parquet is gone"),
        ([FIRST, SECOND, file(7, 11)], "have offset 7 of partition 3 both"),
        ([FIRST, SECOND, file(0, 9)], "have offset 0 of partition 3 both"),
        ([FIRST, SECOND, file(3, 3)], "have offset 3 of partition 3 both"),
        ([FIRST, SECOND, file(5, 9, "2026-03-02")], "have offset 5 of partition 3 both"),
    ],
)
def test_everything_is_read_again_where_more_has_changed(files: list[ZoneFile], why: str) -> None:
    anew, new = read(files, [FIRST, SECOND])
    assert anew is not None
    assert why in anew
    assert new == sorted(files)


def test_a_larger_file_takes_the_place_of_smaller_ones() -> None:
    assert read([file(0, 9), THIRD], [FIRST, SECOND]) == (None, [file(0, 9), THIRD])


def test_it_is_known_whether_a_place_can_be_there_twice() -> None:
    assert not reading([FIRST, SECOND], None).same_place_twice
    assert not reading([file(0, 9), file(3, 3, "2026-03-02")], None).same_place_twice
    assert reading([file(0, 9), file(0, 3, "2026-03-02")], None).same_place_twice
    assert reading([FIRST, file(4, 9)], None).same_place_twice
    assert reading([file(0, 9), file(1, 2), file(5, 6)], None).same_place_twice


def test_where_names_do_not_tell_everything_is_read_as_if_twice() -> None:
    found = reading([FIRST, SECOND, file(10, 14, problem="cut off")], [FIRST, SECOND]).with_repetitions()
    assert (found.new, found.same_place_twice) == ((FIRST, SECOND), True)
    assert found.anew is not None


def test_a_file_with_a_problem_is_listed_and_not_read() -> None:
    torn = file(5, 9, problem="cut off")
    assert reading([FIRST, torn], None).new == (FIRST,)
    assert read([FIRST, torn], [FIRST, torn]) == (None, [])
    assert read([FIRST], [FIRST, torn]) == (None, [])
    assert read([FIRST, file(5, 9, size=2)], [FIRST, torn])[0] is not None


def test_what_turns_out_to_be_broken_is_left_out() -> None:
    found = reading([FIRST, SECOND], None).without({SECOND.path: "damaged"})
    assert found.new == (FIRST,)
    assert [one.problem for one in found.files] == [None, "damaged"]


@pytest.fixture
def log(tmp_path: Path) -> LandedLog:
    return LandedLog(tmp_path / "landing")


def land(log: LandedLog) -> Path:
    (path,) = log.land([made("AttemptMetered", "t-1", "a", NOON)], NOON)
    return path


def problems(log: LandedLog) -> list[str | None]:
    return [one.problem for one in look(log.zone, TOPICS, {})]


def test_a_good_file_has_no_problem(log: LandedLog) -> None:
    land(log)
    assert problems(log) == [None]


def test_a_file_that_is_cut_off_is_named(log: LandedLog) -> None:
    path = land(log)
    path.write_bytes(path.read_bytes()[:-20])
    (problem,) = problems(log)
    assert problem is not None
    assert problem.startswith("not Parquet, or cut off: ")


def test_a_file_that_is_no_parquet_is_named(log: LandedLog) -> None:
    land(log).write_bytes(b"id,name\n1,x\n")
    (problem,) = problems(log)
    assert problem is not None
    assert problem.startswith("not Parquet")


def test_a_file_of_something_else_is_named(log: LandedLog) -> None:
    path = land(log)
    pq.write_table(pa.table({"event_id": [1]}), path)
    assert problems(log) == ["its column event_id is int64, not string"]
    pq.write_table(pa.table({"event_id": ["e"], "whatever": [1]}), path)
    assert problems(log) == ["it has no column _event"]


def test_a_file_of_an_older_or_newer_schema_is_read(log: LandedLog) -> None:
    path = land(log)
    table = pq.read_table(path)
    pq.write_table(table.append_column("of_tomorrow", pa.array(["x"])), path)
    (found,) = look(log.zone, TOPICS, {})
    assert (found.problem, found.lacks_columns) == (None, False)
    usage = pa.array(
        [{"prompt_tokens": 1, "gone": "x"}], pa.struct([("prompt_tokens", pa.int32()), ("gone", pa.string())])
    )
    older = table.drop(["failure", "usage", "attempt", "duration_ms"])
    older = older.append_column("usage", usage).append_column("duration_ms", pa.array([1.5], pa.float32()))
    pq.write_table(older, path)
    (found,) = look(log.zone, TOPICS, {})
    assert (found.problem, found.lacks_columns) == (None, True)
    assert reading([found], None).differ


def test_lists_fit_as_what_is_in_them(log: LandedLog) -> None:
    (path,) = log.land([made("TurnFinished", "t-1", "end", NOON)], NOON)
    table = pq.read_table(path)
    for hops, problem in ((pa.array([[{"stage": "x"}]]), False), (pa.array([[{"stage": 1}]]), True)):
        pq.write_table(table.drop(["hops"]).append_column("hops", hops), path)
        (found,) = look(log.zone, [catalogue()["chat-turns"]], {})
        assert (found.problem is not None) == problem


def test_a_file_with_another_name_is_named(log: LandedLog) -> None:
    path = land(log)
    path.rename(path.with_name("copy.parquet"))
    (problem,) = problems(log)
    assert problem is not None
    assert problem.startswith("its name is not")


def test_a_file_whose_name_lies_is_named(log: LandedLog) -> None:
    path = land(log)
    for lie in (
        path.name.replace("-0-0.", "-7-9."),
        re.sub(r"-(\d+)-0-0", lambda at: f"-{int(at[1]) + 1}-0-0", path.name),
    ):
        lying = path.with_name(lie)
        path.rename(lying)
        assert problems(log) == [f"its folder or name is not that of its records: llm-usage/.../{path.name}"]
        lying.rename(path)


def test_a_file_in_the_folder_of_another_topic_is_named(log: LandedLog) -> None:
    path = land(log)
    folder = log.zone.root / "chat-turns" / path.parent.name
    for name in (path.name, path.name.replace("llm-usage", "chat-turns")):
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(_narrowed(pq.read_table(path)), folder / name)
        (found,) = look(log.zone, [catalogue()["chat-turns"]], {})
        assert found.problem == f"its folder or name is not that of its records: llm-usage/.../{path.name}"
        (folder / name).unlink()


def _narrowed(table: pa.Table) -> pa.Table:
    """To columns that every topic has."""
    return table.select(["event_id", "_event", "_topic", "_partition", "_offset"])


def test_a_file_of_several_partitions_is_named(log: LandedLog) -> None:
    path = land(log)
    table = pq.read_table(path)
    other = table.set_column(table.column_names.index("_partition"), "_partition", pa.array([99], pa.int32()))
    pq.write_table(pa.concat_tables([table, other]), path)
    assert problems(log) == ["it holds records of several topics or partitions"]


def test_a_file_without_statistics_is_believed(log: LandedLog) -> None:
    path = land(log)
    pq.write_table(pq.read_table(path), path, write_statistics=False)
    assert problems(log) == [None]


def test_what_is_known_is_not_opened_again(log: LandedLog) -> None:
    path = land(log)
    (before,) = look(log.zone, TOPICS, {})
    state = path.stat()
    path.write_bytes(b"x" * state.st_size)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert [*look(log.zone, TOPICS, {before.path: before})] == [before]


def test_a_damaged_middle_is_found_by_reading(log: LandedLog) -> None:
    path = land(log)
    (found,) = look(log.zone, TOPICS, {})
    assert broken(log.zone, [found]) == {}
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(content)
    assert broken(log.zone, [found])[found.path].startswith("damaged: ")


def test_what_is_read_lies_apart(log: LandedLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = land(log)
    files = tuple(look(log.zone, TOPICS, {}))
    for way in ("link", "symlink"):
        to = tmp_path / way
        lay_out(log.zone, TOPICS, Reading(files, files, None, False), to, tmp_path / f"{way}.parquet", "mark")
        laid = to / path.relative_to(log.zone.root)
        assert laid.is_symlink() == (way == "symlink")
        assert pq.read_table(laid) == pq.read_table(path)
        assert pq.read_schema(to / "llm-usage" / "_columns.parquet").equals(columns_of(TOPICS[0]))
        assert pq.read_table(tmp_path / f"{way}.parquet")["project_hash"].to_pylist() == ["mark"]
        monkeypatch.setattr(Path, "hardlink_to", _another_file_system)


def _another_file_system(*_: object) -> None:
    raise OSError("Invalid cross-device link")


def test_a_link_that_leads_nowhere_is_left_out_and_named(log: LandedLog) -> None:
    path = land(log)
    link = path.with_name("llm-usage-3-100-104.parquet")
    link.symlink_to(path.with_name("gone"))
    assert sorted(map(str, (one.problem for one in look(log.zone, TOPICS, {})))) == [
        "None",
        "a link that leads nowhere",
    ]
