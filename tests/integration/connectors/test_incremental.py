"""Facts that grew as records arrived are those of a build of everything at once."""

import json
import os
import random
import subprocess
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from connectors.dbt_environment import DbtEnvironment
from connectors.landing import landed_topics
from connectors.warehouse.build import Build, Warehouse
from local.compliance.gaps import undescribed
from local.compliance.models import models
from sluice.events import Event
from sluice.paths import checkout, data_folder
from tests.arrivals import LandedLog, random_turn
from tests.doubles import NOON

pytestmark = pytest.mark.usefixtures("dbt")

TURNS, DAYS, ARRIVALS = 120, 9, 4


def warehouse(home: Path) -> Warehouse:
    home.mkdir(parents=True, exist_ok=True)
    return Warehouse(home / "sluice.duckdb", data_folder("dbt"), DbtEnvironment(checkout()).dbt, os.environ)


def build(house: Warehouse, log: LandedLog, *, full_refresh: bool = False) -> Build:
    built = house.build(log.zone, landed_topics(), lambda _: None, full_refresh=full_refresh)
    assert built.failures == ()
    return built


def differences(one: Path, other: Path) -> list[tuple[str, int, int]]:
    """Tables with rows that only one of two warehouses has. When a row was written is no difference."""
    found = []
    with duckdb.connect() as db:
        db.execute(f"attach '{one}' as one (read_only); attach '{other}' as other (read_only); set TimeZone = 'UTC'")
        tables = db.execute(
            "select schema_name || '.' || table_name, string_agg(column_name order by column_name) "
            "from duckdb_columns() where database_name = 'one' and column_name <> 'loaded_at' "
            "and table_oid in (select table_oid from duckdb_tables()) "
            "group by all order by all"
        ).fetchall()
        assert len(tables) > 20
        for table, columns in tables:
            rows = "select count(*) from (select {2} from {0}.{3} except all select {2} from {1}.{3})"
            here, there = (
                db.execute(rows.format(*pair, columns, table)).fetchone()[0]
                for pair in (("one", "other"), ("other", "one"))
            )
            if here or there:
                found.append((table, here, there))
    return found


def schedule(chance: random.Random) -> list[list[Event]]:
    """Records by arrival. Some come days after they happened, some come once more."""
    arrivals: list[list[Event]] = [[] for _ in range(ARRIVALS)]
    for number in range(TURNS):
        begun = chance.randrange(DAYS * 24 * 60)
        usual = begun * ARRIVALS // (DAYS * 24 * 60)
        for event in random_turn(chance, number, NOON + timedelta(minutes=begun)):
            arrival = usual if chance.random() < 0.7 else chance.randrange(ARRIVALS)
            arrivals[arrival].append(event)
            if chance.random() < 0.1:
                arrivals[chance.randrange(arrival, ARRIVALS)].append(event)
    for arrival in arrivals:
        chance.shuffle(arrival)
    return arrivals


def test_what_arrives_in_any_order_gives_the_same_facts(tmp_path: Path) -> None:
    log = LandedLog(tmp_path / "landing")
    grown, whole = warehouse(tmp_path / "grown"), warehouse(tmp_path / "whole")
    for number, events in enumerate(schedule(random.Random(1))):
        half = len(events) // 2
        log.land(events[:half], NOON + timedelta(days=DAYS + 1, hours=number))
        log.land(events[half:], NOON + timedelta(days=DAYS + 1, hours=number, minutes=1))
        log.land(events[:1], NOON + timedelta(days=DAYS + 1, hours=number), occurred_at=NOON + timedelta(days=900))
        assert (build(grown, log).anew is None) == (number > 0)
        build(whole, log, full_refresh=True)
        assert differences(grown.path, whole.path) == []
    quarantined = build(grown, log).quarantined
    assert quarantined["from_the_future"] == ARRIVALS
    assert quarantined["resent"] > 10


def test_without_the_list_of_files_a_watermark_with_a_look_back_does(tmp_path: Path) -> None:
    log = LandedLog(tmp_path / "landing")
    for topic in landed_topics():
        log.zone.declare(topic)
    chance = random.Random(3)
    for number, events in enumerate(schedule(chance)):
        for part in range(3):  # partitions land at their own pace, less apart than the look-back
            logged_at = NOON + timedelta(days=DAYS + 1, hours=2 * number, minutes=chance.randrange(170))
            log.land(events[part::3], logged_at)
        by_hand(tmp_path, "grown.duckdb")
    by_hand(tmp_path, "whole.duckdb")
    assert differences(tmp_path / "grown.duckdb", tmp_path / "whole.duckdb") == []


def by_hand(folder: Path, file: str, command: str = "run") -> str:
    """dbt over the whole landing zone, as on another warehouse."""
    variables = {"SLUICE_LANDING_DIR": str(folder / "landing"), "SLUICE_WAREHOUSE_PATH": str(folder / file)}
    done = subprocess.run(
        [str(DbtEnvironment(checkout()).dbt), *command.split(), *_options(folder)],
        env=os.environ | variables | {"DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _options(folder: Path) -> list[str]:
    places = {"project-dir": data_folder("dbt"), "profiles-dir": data_folder("dbt")}
    places |= {"target-path": folder / "target", "log-path": folder / "logs"}
    return [f"--{name}={place}" for name, place in places.items()]


def test_every_model_does_what_its_unit_tests_say_and_the_documentation_is_made(tmp_path: Path) -> None:
    log = LandedLog(tmp_path / "landing")
    for topic in landed_topics():
        log.zone.declare(topic)
    by_hand(tmp_path, "w.duckdb", "run --empty")
    said = by_hand(tmp_path, "w.duckdb", "test --select test_type:unit")
    assert "PASS=24" in said
    by_hand(tmp_path, "w.duckdb", "docs generate")
    catalogue = json.loads((tmp_path / "target" / "catalog.json").read_text())
    built = ((node["metadata"]["name"], column) for node in catalogue["nodes"].values() for column in node["columns"])
    described = [model for model in models() if model.name != "landed_files"]
    assert list(map(str, undescribed(built, described))) == []
