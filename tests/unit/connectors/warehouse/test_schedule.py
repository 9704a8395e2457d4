"""The loop around the builds: when, what it tells, and what it does about failures."""

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.only_one import hold, is_held
from connectors.to_fact import seconds_to_fact
from connectors.warehouse.metrics import WarehouseMetrics
from connectors.warehouse.runs import Run, begun_run, last_run, noted
from connectors.warehouse.schedule import Schedule
from sluice.errors import ConfigurationError, Unavailable
from sluice.logs import get_logger
from sluice.topics import catalogue
from tests.arrivals import made
from tests.doubles import NOON
from tests.unit.connectors.house import House, script
from tests.waiting import until

TOPICS = [catalogue()["llm-usage"]]


def event(offset: int, at: datetime) -> str:
    return f"('turn-telemetry', 0, {offset}, '{at.isoformat()}')"


@pytest.fixture
def house(tmp_path: Path) -> House:
    made_house = House(tmp_path)
    made_house.tell(events=event(7, NOON))
    made_house.log.land([made("AttemptMetered", "t-1", "a", NOON)], NOON)
    return made_house


@pytest.fixture
def schedule(house: House) -> Schedule:
    metrics = WarehouseMetrics(house.warehouse.path)
    return Schedule(house.warehouse, house.log.zone, 30.0, metrics, get_logger(), clock=lambda: NOON)


def value(schedule: Schedule, name: str, **labels: str) -> float | None:
    return schedule.metrics.registry.get_sample_value(name, labels)


def runs(schedule: Schedule) -> dict[str, float | None]:
    results = ("built", "failed", "refused", "nothing_new")
    counts = {name: value(schedule, "sluice_warehouse_runs_total", result=name) for name in results}
    return {name: count for name, count in counts.items() if count}


def test_it_builds_what_has_landed_and_then_only_what_is_new(schedule: Schedule, house: House) -> None:
    schedule.step()
    house.note_files()
    schedule.step()
    assert runs(schedule) == {"built": 1, "nothing_new": 1}
    house.log.land([made("AttemptMetered", "t-2", "a", NOON)], NOON)
    schedule.step()
    assert runs(schedule) == {"built": 2, "nothing_new": 1}
    assert value(schedule, "sluice_warehouse_building") == 0
    assert value(schedule, "sluice_warehouse_last_run_ok") == 1


def test_it_tells_how_long_events_took_but_not_of_those_that_were_there_before(
    schedule: Schedule, house: House
) -> None:
    schedule.step()
    assert value(schedule, "sluice_event_to_fact_seconds_count") == 0
    house.tell(events=", ".join([event(7, NOON), event(8, NOON - timedelta(seconds=25))]))
    schedule.step()
    assert value(schedule, "sluice_event_to_fact_seconds_count") == 1
    assert value(schedule, "sluice_event_to_fact_seconds_sum") == 25
    assert value(schedule, "sluice_event_to_fact_seconds_bucket", le="60.0") == 1


def test_after_failures_it_waits_longer_and_after_a_good_build_no_more(schedule: Schedule, house: House) -> None:
    house.tell("fail")
    waits = []
    for _ in range(6):
        schedule.step()
        waits.append(schedule.pause_seconds)
    assert waits == [60, 120, 240, 480, 600, 600]
    assert value(schedule, "sluice_warehouse_last_run_ok") == 0
    assert value(schedule, "sluice_warehouse_last_run_failed_tests") == 1
    house.tell(events=event(7, NOON))
    schedule.step()
    assert (schedule.pause_seconds, runs(schedule)) == (30, {"failed": 6, "built": 1})


def test_where_another_build_is_at_work_it_comes_again(schedule: Schedule, house: House) -> None:
    with hold(house.folder / "home"):
        schedule.step()
    assert (runs(schedule), schedule.pause_seconds) == ({"refused": 1}, 30)
    (house.folder / "dbt").write_text("#!/bin/sh\necho 'Compilation Error'\n")
    schedule.step()
    assert (runs(schedule), schedule.pause_seconds) == ({"refused": 2}, 60)


def test_what_was_never_built_has_no_last_run(house: House) -> None:
    assert last_run(house.warehouse.path) is None


def test_it_begins_at_once_and_then_by_the_clock(schedule: Schedule) -> None:
    waits: list[float] = []

    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return len(waits) == 3

    ticks = iter([100.0, 112.0, 200.0, 240.0])
    schedule.monotonic = lambda: next(ticks)
    schedule.run(Stopping())
    assert waits == [0.0, 18.0, 0.0]


def test_without_a_warehouse_there_is_nothing_to_tell(schedule: Schedule) -> None:
    assert value(schedule, "sluice_warehouse_last_run_ok") is None
    assert value(schedule, "sluice_warehouse_tables_timestamp_seconds") is None
    schedule.step()
    assert value(schedule, "sluice_warehouse_tables_timestamp_seconds")


def ticking(*seconds: float) -> Callable[[], datetime]:
    times = iter(seconds)
    return lambda: NOON + timedelta(seconds=next(times))


def test_a_run_is_noted_however_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with noted(path, ticking(0, 2.5)) as run:
        run.ended([], 3)
    assert last_run(path) == Run(NOON, 2.5, "built", None, 3, 0)
    with noted(path, ticking(0, 1)) as run:
        run.ended(["a: failed", "b: failed"], 1)
    assert last_run(path) == Run(NOON, 1.0, "failed", "a: failed", 1, 2)
    with pytest.raises(ConfigurationError), noted(path, ticking(0, 1)):
        raise ConfigurationError("dbt did not run")
    assert last_run(path) == Run(NOON, 1.0, "refused", "dbt did not run")
    with pytest.raises(Unavailable), noted(path, ticking(0, 1)):
        raise Unavailable("dbt was ended by signal 9")
    assert last_run(path) == Run(NOON, 1.0, "failed", "dbt was ended by signal 9")
    assert begun_run(path) is None
    (tmp_path / "last-run.json").write_text("{")
    assert last_run(path) is None


def test_who_waits_for_another_build_is_told_and_may_give_up(house: House) -> None:
    taken = hold(house.folder / "home")
    asked: list[int] = []

    def wait() -> bool:
        asked.append(len(asked))
        if len(asked) == 2:
            taken.close()
        return True

    house.warehouse.build(house.log.zone, TOPICS, house.said.append, wait=wait)
    assert house.said.count("another build is at work ...") == len(asked) == 2
    with hold(house.folder / "home"), pytest.raises(ConfigurationError, match="at work"):
        house.warehouse.build(house.log.zone, TOPICS, house.said.append, wait=lambda: False)


def test_what_a_killed_build_has_left_can_go(house: House) -> None:
    left = house.folder / "home" / "building" / "landing" / "llm-usage" / "x.parquet"
    left.parent.mkdir(parents=True)
    left.touch()
    house.warehouse.forget_failed()
    assert not (house.folder / "home" / "building").exists()


def test_a_build_that_nobody_waits_for_any_longer_ends_dbt(house: House) -> None:
    def leave(_line: str) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        house.warehouse.build(house.log.zone, TOPICS, leave)
    run = last_run(house.warehouse.path)
    assert run is not None
    assert (run.result, run.reason) == ("refused", "ended in the middle")
    assert not (house.folder / "home" / "building" / "landing").exists()


_SLOW_DBT = """#!/bin/sh
echo started
touch {folder}/started
while [ ! -e {folder}/end ]; do sleep 0.05; done
"""
_KILLED = """
import os, pathlib
from connectors.landing_zone import LandingZone
from connectors.warehouse.build import Warehouse
from sluice.topics import catalogue

folder = pathlib.Path({folder!r})
warehouse = Warehouse(folder / "home" / "w.duckdb", folder / "project", folder / "dbt", os.environ)
warehouse.build(LandingZone(folder / "landing"), [catalogue()["llm-usage"]], lambda _line: None)
"""


def test_beside_what_a_killed_build_has_left_running_none_is_at_work(house: House) -> None:
    script(house.folder / "dbt", _SLOW_DBT.format(folder=house.folder))
    command = [sys.executable, "-c", _KILLED.format(folder=str(house.folder))]
    killed = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert until((house.folder / "started").exists), killed.communicate(timeout=5)
    killed.kill()
    killed.communicate()
    home = house.folder / "home"
    assert is_held(home)
    with pytest.raises(ConfigurationError, match="at work"):
        house.warehouse.build(house.log.zone, TOPICS, house.said.append)
    assert begun_run(house.warehouse.path) is not None
    assert last_run(house.warehouse.path) is None
    (house.folder / "end").touch()
    assert until(lambda: not is_held(home))


def test_a_dbt_that_is_killed_says_so(schedule: Schedule, house: House) -> None:
    script(house.folder / "dbt", "#!/bin/sh\nkill -9 $$\n")
    with pytest.raises(Unavailable, match="dbt was ended by signal 9"):
        house.warehouse.build(house.log.zone, TOPICS, house.said.append)
    schedule.step()
    assert runs(schedule) == {"failed": 1}


def test_ages_of_events_end_where_the_facts_did(house: House) -> None:
    database = house.folder / "made" / "w.duckdb"
    ends, none = seconds_to_fact(database, {}, NOON)
    assert (ends, none) == ({("turn-telemetry", 0): 7}, [])
    assert seconds_to_fact(database, {("turn-telemetry", 0): 6}, NOON + timedelta(seconds=9)) == (ends, [9.0])
    assert seconds_to_fact(database, {("another", 0): 6}, NOON) == (ends, [0.0])
