"""How long the warehouse takes to build, whole and by a day, beside one statement written by hand."""

import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import plotly.graph_objects as go
import psutil

from benchmarks.measurement import NothingMeasured, Result
from benchmarks.multiplied import multiply
from benchmarks.options import Options
from benchmarks.running import command, environment_for, progress
from sluice.paths import checkout
from sluice.settings import Settings

_DAYS, _EVENTS_A_TURN = 90, 7.07
_BAR_MB, _LOOK_SECONDS, _DAY_BUILDS = 1500.0, 0.1, 3
_TABLES_BY_HAND = "by-hand.duckdb"
_BY_HAND = Path(__file__).with_name("by_hand.sql")
_KEYS_ANEW = """
    update whole set {key} = versions.{key}
    from house.marts.{table} as versions
    where whole.{name} = versions.{name} and whole.{at} >= versions.valid_from and whole.{at} < versions.valid_to
        and whole.{key} <> versions.{key}
"""
_NOTES = [
    "warehouse.fact: fact_chat_events out of everything, dbt's own time for that model; floor: benchmarks/by_hand.sql,",
    "by DuckDB's client with the same settings. Its rows are compared with the model's: there is no drift. Another",
    "model is made beside the fact, nothing beside the floor; both end with a commit, and neither has its checkpoint.",
    "warehouse.fact_day: the same model when one more day has landed, the median of three builds; floor: that day's",
    "statement, its rows into the table and the keys of all rows anew, each time after the build it is compared with.",
    "warehouse.memory: the largest of all processes of the build together; floor: the bar of 1.5 GB.",
    "warehouse.full, warehouse.day: `sluice warehouse --landed`, all models and tests; floor: the statement by hand.",
    "details: the same for each size; growth.html draws them (with --growth: a tenth, all and four times the events,",
    "where four times is the same history under four sets of ids).",
]


def warehouse(options: Options) -> Result:
    """A made-up history of 90 days, the last of which lands after the first build."""
    result = Result("warehouse", notes=list(_NOTES))
    histories = [(options.events, 1)]
    if options.growth:
        histories = [(options.events // 10, 1), *histories, (options.events, 4)]
    found = {events * times: _measure(events, times) for events, times in histories}
    result.details = {str(size): run.as_json() for size, run in found.items()}
    run = found[options.events]
    result.add("warehouse.fact", run.fact, "s", run.by_hand)
    result.add("warehouse.fact_day", run.fact_day, "s", run.by_hand_day)
    result.add("warehouse.memory", run.megabytes, "MB", _BAR_MB)
    result.add("warehouse.full", run.full, "s", run.by_hand)
    result.add("warehouse.day", run.day, "s", run.by_hand_day)
    if options.growth:
        _draw(found, Path(__file__).parent / "results" / "growth.html")
    return result


@dataclass(slots=True)
class _Run:
    """Seconds, but for the memory."""

    events: int
    full: float
    day: float
    fact: float
    fact_day: float
    by_hand: float
    by_hand_day: float
    megabytes: float

    def as_json(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in self.__slots__}


def _measure(events: int, times: int) -> _Run:
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        home = Path(folder)
        settings, environment = Settings(home=home), environment_for(home, 0)
        sluice = str(checkout() / ".venv" / "bin" / "sluice")
        seed = [sluice, "seed-history", "--turns", str(int(events / _EVENTS_A_TURN)), "--days", str(_DAYS)]
        progress(command(seed, environment).splitlines()[0] + f", {times} times")
        multiply(settings.landing_dir, times)
        last = max(path.name for path in (settings.landing_dir / "chat-turns").glob("date=*"))
        aside = _move_day(settings.landing_dir, last, home / "later")
        full, most = _build(sluice, environment)
        fact = _model_seconds(settings)
        by_hand = _by_hand(settings, "*")
        for there, back in aside:
            there.rename(back)
        days = [_day(sluice, environment, settings, last) for _ in range(_DAY_BUILDS)]
    day, fact_day, by_hand_day = (median(values) for values in zip(*days, strict=True))
    run = _Run(events * times, full, day, fact, fact_day, by_hand, by_hand_day, most)
    progress(" ".join(f"{name}={value:.2f}" for name, value in run.as_json().items()))
    return run


def _day(sluice: str, environment: dict[str, str], settings: Settings, last: str) -> tuple[float, float, float]:
    """Build, fact and statement by hand over one more day. The tables are afterwards what they were before."""
    tables = (settings.warehouse_path, settings.home / _TABLES_BY_HAND)
    for file in tables:
        shutil.copyfile(file, file.with_suffix(".before"))
    day, _ = _build(sluice, environment)
    found = day, _model_seconds(settings), _by_hand_day(settings, last.removeprefix("date="))
    for file in tables:
        file.with_suffix(".before").replace(file)
    return found


def _move_day(landing: Path, day: str, to: Path) -> list[tuple[Path, Path]]:
    moved = []
    for folder in landing.glob(f"*/{day}"):
        away = to / folder.parent.name
        away.parent.mkdir(exist_ok=True)
        folder.rename(away)
        moved.append((away, folder))
    return moved


def _build(sluice: str, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds, and the largest memory of all processes together in MB. Raises NothingMeasured where it fails."""
    begun, most = time.perf_counter(), 0.0
    with psutil.Popen(
        [sluice, "warehouse", "--landed"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            most = max(most, _memory(process))
            time.sleep(_LOOK_SECONDS)
    if process.returncode:
        raise NothingMeasured(f"the build ended with {process.returncode}")
    return time.perf_counter() - begun, most


def _memory(process: psutil.Popen) -> float:
    found = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            found += one.memory_info().rss / 1e6
        except psutil.NoSuchProcess:
            continue
    return found


def _model_seconds(settings: Settings) -> float:
    """Of fact_chat_events, in the last build."""
    file = settings.warehouse_path.parent / "building" / "target" / "run_results.json"
    results: list[dict[str, Any]] = json.loads(file.read_text())["results"]
    return float(next(one["execution_time"] for one in results if one["unique_id"].endswith(".fact_chat_events")))


def _connected(settings: Settings, file: Path) -> duckdb.DuckDBPyConnection:
    """As profiles.yml has it."""
    db = duckdb.connect(str(file))
    db.execute("set memory_limit = '500MB'; set preserve_insertion_order = false; set TimeZone = 'UTC'")
    db.execute("set checkpoint_threshold = '1TB'")
    db.execute(f"attach '{settings.warehouse_path}' as house (read_only)")
    return db


def _statement(settings: Settings, days: str) -> str:
    return _BY_HAND.read_text().replace("{landing}", str(settings.landing_dir)).replace("{days}", days)


def _by_hand(settings: Settings, days: str) -> float:
    """Seconds of the statement. Raises NothingMeasured where its rows are not the model's."""
    with _connected(settings, settings.home / _TABLES_BY_HAND) as db:
        begun = time.perf_counter()
        db.execute(_statement(settings, days))
        seconds = time.perf_counter() - begun
        _compare(db)
    return seconds


def _by_hand_day(settings: Settings, day: str) -> float:
    """The day's rows into the table of before, and its keys anew where a version has moved."""
    with _connected(settings, settings.home / _TABLES_BY_HAND) as db:
        db.execute("alter table fact rename to whole")
        begun = time.perf_counter()
        db.execute(_statement(settings, day))
        db.execute("insert into whole by name select fact.* from fact anti join whole using (event_id)")
        db.execute(_KEYS_ANEW.format(key="user_key", name="user_id", table="dim_user", at="date_day"))
        db.execute(_KEYS_ANEW.format(key="bot_key", name="bot", table="dim_bot", at="occurred_at"))
        seconds = time.perf_counter() - begun
        db.execute("drop table fact")
        db.execute("alter table whole rename to fact")
        _compare(db)
    return seconds


def _compare(db: duckdb.DuckDBPyConnection) -> None:
    """Raises NothingMeasured where the two have other rows."""
    columns = "event_id, event_type, duration_ms, is_superseded, cost_usd, user_key, bot_key"
    sums = f"select count(*), sum(hash({columns})) from"
    ours, theirs = (db.execute(f"{sums} {table}").fetchone() for table in ("house.marts.fact_chat_events", "fact"))
    if ours != theirs:
        raise NothingMeasured(f"the model has {ours}, the statement {theirs}")


def _draw(found: dict[int, _Run], file: Path) -> None:
    figure = go.Figure()
    for name in ("full", "day", "fact", "fact_day", "by_hand", "by_hand_day"):
        values = [getattr(run, name) for run in found.values()]
        figure.add_scatter(x=[*found], y=values, name=name.replace("_", " "), mode="lines+markers")
    figure.update_layout(
        title="Time of a build by the events that have landed",
        xaxis={"title": {"text": "events"}, "type": "log"},
        yaxis={"title": {"text": "s"}, "type": "log"},
    )
    file.parent.mkdir(exist_ok=True)
    figure.write_html(file, include_plotlyjs=True)
    progress(f"chart in {file}")
