"""The build around dbt, with a dbt of three lines; and the environment, with an installer of one."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.dbt_environment import DbtEnvironment
from connectors.landed_files import lay_out
from connectors.only_one import hold
from connectors.warehouse import build as module
from sluice.errors import ConfigurationError
from sluice.topics import catalogue
from tests.arrivals import made
from tests.doubles import NOON
from tests.unit.connectors.house import House, script


@pytest.fixture
def house(tmp_path: Path) -> House:
    made_house = House(tmp_path)
    made_house.log.land([made("AttemptMetered", "t-1", "a", NOON)], NOON)
    return made_house


def test_a_good_build_takes_the_place_of_the_old(house: House) -> None:
    built = house.build()
    assert (built.rows, built.tests_passed, built.failures, built.warnings) == ({"fact_x": 3}, 1, (), ())
    assert built.anew == "there is no warehouse of this version yet"
    assert built.file == house.folder / "home" / "w.duckdb"
    assert house.said == ["1 of 2 START model"]
    assert (house.log.zone.root / "llm-usage" / "_columns.parquet").exists()
    assert not (house.folder / "home" / "building" / "landing").exists()
    with duckdb.connect(str(built.file)) as db:
        assert db.execute("select count(*) from duckdb_views() where not internal").fetchone() == (0,)


def test_only_new_files_are_added(house: House) -> None:
    house.build()
    assert house.build().anew is None
    house.log.land([made("AttemptMetered", "t-1", "b", NOON)], NOON)
    built = house.build()
    assert (built.anew, built.new_files) == (None, 1)
    assert [(len(call["files"]), call["full"]) for call in house.calls] == [(1, True), (0, False), (1, False)]
    assert house.calls[1]["vars"] == {"landed_is_new": True, "same_place_twice": False}


@pytest.mark.parametrize("way", ["asked for", "another project", "from the future", "no warehouse of ours"])
def test_everything_is_built_anew(house: House, way: str) -> None:
    if way == "from the future":
        house.tell(quarantined="('from_the_future', 'logged_at', '2020-01-01 00:00:00+00', 2)")
    assert house.build().quarantined == ({"from_the_future": 2} if way == "from the future" else {})
    if way == "another project":
        house.model.write_text("select 2")
    if way == "no warehouse of ours":
        house.warehouse.path.write_bytes(b"no DuckDB file")
    assert house.build(full_refresh=way == "asked for").anew is not None


def test_a_build_with_a_failed_test_does_not(house: House) -> None:
    house.tell("fail")
    built = house.build()
    assert built.failures == ("unique_x: fail, Got 2 results",)
    assert not (house.folder / "home" / "w.duckdb").exists()
    assert built.file.exists()


def test_files_that_become_a_larger_one_between_look_and_build_are_looked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def gone(*arguments: Any) -> None:
        looks.append(len(looks))
        if len(looks) < 3:
            raise FileNotFoundError(2, "gone", "small.parquet")
        lay_out(*arguments)

    monkeypatch.setattr(module, "lay_out", gone)
    assert house.build().failures == ()
    monkeypatch.setattr(module, "lay_out", lambda *_: Path("/nowhere/at/all").read_bytes())
    house.log.land([made("AttemptMetered", "t-1", "b", NOON)], NOON)
    with pytest.raises(FileNotFoundError):
        house.build()


def test_a_file_that_goes_while_it_is_looked_at_is_something_new(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.build()
    topics = [catalogue()["llm-usage"], catalogue()["turn-telemetry"]]
    assert house.warehouse.is_current(house.log.zone, topics)
    house.log.land([made("AttemptMetered", "t-1", "b", NOON)], NOON)
    monkeypatch.setattr("pyarrow.parquet.read_metadata", lambda _path: Path("/nowhere/at/all").read_bytes())
    assert not house.warehouse.is_current(house.log.zone, topics)


def test_a_test_that_warns_fails_nothing(house: House) -> None:
    house.tell("warn")
    built = house.build()
    assert (built.failures, built.warnings) == ((), ("unique_x: warn, Got 2 results",))


def test_a_damaged_file_is_left_out_and_named(house: House) -> None:
    (broken,) = house.log.land([made("AttemptMetered", "t-2", "a", NOON)], NOON)
    content = bytearray(broken.read_bytes())
    content[4:400] = bytes(396)
    broken.write_bytes(content)
    house.tell(error_while=broken.name)
    built = house.build()
    assert built.failures == ()
    ((path, problem),) = built.set_aside.items()
    assert path.endswith(broken.name)
    assert problem.startswith("damaged: ")
    assert [len(call["files"]) for call in house.calls] == [2, 1]


def test_a_build_that_fails_with_good_files_is_not_tried_again(house: House) -> None:
    house.tell(error_while=next(house.log.zone.files("llm-usage")).path.name)
    assert house.build().failures == ("fact_x: error, ok",)
    assert len(house.calls) == 1


def test_where_the_tables_tell_of_copies_everything_is_read_as_if_twice(house: House) -> None:
    house.tell("fail", test="unique_event_fact_x_event_id")
    assert len(house.build().failures) == 1
    assert [call["vars"]["same_place_twice"] for call in house.calls] == [False, True]


def test_a_build_that_did_not_come_to_quarantine_has_no_rows_there(house: House) -> None:
    house.tell("fail")
    with duckdb.connect(str(house.folder / "made" / "w.duckdb")) as db:
        db.execute("drop table marts.quarantine")
    assert house.build().quarantined == {}


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "Runtime Error in model m (m.sql)\n  Overflow of INT32\n\n  compiled",
            "Runtime Error in model m (m.sql): Overf",
        ),
        ("Got 2 results, configured to fail\n  compiled code at x", "Got 2 results, configured to fail"),
        ("", "no message"),
    ],
)
def test_a_failure_says_what_and_not_only_where(message: str, told: str) -> None:
    (sentence,) = module._sentences([{"unique_id": "model.w.x", "status": "error", "message": message}], bool)
    assert sentence.startswith(f"x: error, {told}")
    assert "compiled" not in sentence


def test_a_dbt_that_does_not_begin_says_why(house: House) -> None:
    script(house.folder / "dbt", "#!/bin/sh\necho 'Compilation Error in model x'\n")
    with pytest.raises(ConfigurationError, match="Compilation Error in model x"):
        house.build()


def test_two_builds_at_once_are_refused(house: House) -> None:
    with hold(house.folder / "home"), pytest.raises(ConfigurationError, match="at work"):
        house.build()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "constraints").mkdir()
    (tmp_path / "constraints" / "dbt.txt").write_text("dbt-core==1.11.16\n")
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    script(tmp_path / "bin" / "python", '#!/bin/sh\nfor last; do :; done; mkdir -p "$last/bin"\n')
    script(tmp_path / "bin" / "uv", f"#!/bin/sh\ntouch {tmp_path}/.venv-dbt/bin/dbt\n")
    return tmp_path


def test_the_environment_is_made_once_and_again_when_its_requirements_change(checkout: Path) -> None:
    environment = DbtEnvironment(checkout)
    assert not environment.ready
    environment.make()
    assert environment.ready
    assert environment.dbt == checkout / ".venv-dbt" / "bin" / "dbt"
    (checkout / "constraints" / "dbt.txt").write_text("dbt-core==1.11.17\n")
    assert not environment.ready


def test_an_index_that_cannot_be_reached_is_said(checkout: Path) -> None:
    script(checkout / "bin" / "uv", "#!/bin/sh\necho 'connection refused' >&2\nexit 2\n")
    with pytest.raises(ConfigurationError, match=r"(?s)package index.*connection refused"):
        DbtEnvironment(checkout).make()
    assert not DbtEnvironment(checkout).ready


def test_without_uv_it_says_what_brings_it(checkout: Path) -> None:
    (checkout / "bin" / "uv").unlink()
    with pytest.raises(ConfigurationError, match="uv is missing"):
        DbtEnvironment(checkout).make()


def test_outside_a_checkout_there_is_no_dbt(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="checkout"):
        DbtEnvironment(tmp_path).make()
