"""A made-up history: the same for the same seed, whole, and shaped as people talk."""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from connectors.landing_zone import LandingZone
from connectors.seeding.seeder import seed
from connectors.seeding.shape import Plan, moments
from connectors.seeding.turns import Crowd, Turn
from sluice.cli.main import build
from sluice.errors import ConfigurationError
from sluice.events import AttemptMetered, StageTimed, TurnFinished, TurnTimed
from tests.waiting import until

MONDAY = date(2026, 11, 23)
PLAN = Plan(turns=300, days=3, until=MONDAY, seed=7)


def rows(zone: LandingZone, topic: str) -> list[dict]:
    files = sorted(zone.files(topic), key=lambda file: (file.place, file.first))
    return [row for file in files for row in pq.read_table(file.path).to_pylist()]


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> LandingZone:
    made = LandingZone(tmp_path_factory.mktemp("seeded"))
    heard: list[int] = []
    done = seed(made, PLAN, 1, heard.append)
    assert (done.turns, heard[-1]) == (300, 300)
    assert done.events == sum(len(rows(made, topic)) for topic in TOPICS)
    return made


TOPICS = ("turn-telemetry", "chat-turns", "llm-usage", "chat-controls")


def test_turns_add_up_and_weekends_are_quiet():
    by_day = Plan(turns=70_001, days=14, until=MONDAY).turns_by_day()
    assert (len(by_day), sum(by_day.values()), max(by_day)) == (14, 70_001, MONDAY)
    assert by_day[date(2026, 11, 21)] < 0.7 * by_day[date(2026, 11, 20)]


def test_people_talk_by_day():
    hours = Counter(at.hour for at in moments(5_000, MONDAY, PLAN.chance(MONDAY)))
    assert hours[10] > 8 * hours[3]
    at = [*moments(500, MONDAY, PLAN.chance(MONDAY))]
    assert at == sorted(at)
    assert {one.date() for one in at} == {MONDAY}


def test_the_same_seed_gives_the_same_files(zone: LandingZone, tmp_path: Path):
    again = LandingZone(tmp_path)
    seed(again, PLAN, 2, lambda _done: None)
    for topic in TOPICS:
        assert rows(again, topic) == rows(zone, topic)
    other = LandingZone(tmp_path / "other")
    other.root.mkdir()
    seed(other, Plan(turns=300, days=3, until=MONDAY, seed=8), 1, lambda _done: None)
    assert rows(other, "chat-turns") != rows(zone, "chat-turns")


def test_every_turn_is_whole_and_its_ledger_adds_up(zone: LandingZone):
    turns = {row["turn_id"]: row for row in rows(zone, "chat-turns")}
    assert len(turns) == 300
    cost: dict[str, Decimal] = {}
    attempts: Counter[str] = Counter()
    for row in rows(zone, "llm-usage"):
        cost[row["turn_id"]] = cost.get(row["turn_id"], Decimal(0)) + row["cost_usd"]
        attempts[row["turn_id"]] += 1
    assert {turn: row["cost_usd"] for turn, row in turns.items()} == cost
    assert {turn: row["attempts"] for turn, row in turns.items()} == attempts
    stages = Counter(row["turn_id"] for row in rows(zone, "turn-telemetry") if row["_event"] == "StageTimed")
    assert set(stages.values()) == {4}


def test_offsets_are_each_once_and_in_the_order_of_time(zone: LandingZone):
    for topic in TOPICS:
        places = [(row["_partition"], row["_offset"]) for row in rows(zone, topic)]
        assert len(places) == len(set(places))
    assert len({row["event_id"] for topic in TOPICS for row in rows(zone, topic)}) == sum(
        len(rows(zone, topic)) for topic in TOPICS
    )


def test_a_failed_turn_asked_every_model_and_got_nothing():
    chance = PLAN.chance(MONDAY)
    crowd = Crowd(chance, 10, 1)
    seen = Counter[str]()
    for _ in range(2_000):
        events = [*Turn(chance, datetime(2026, 11, 23, 12, tzinfo=UTC), *crowd.next()).events()]
        (finished,) = [event for event in events if isinstance(event, TurnFinished)]
        metered = [event for event in events if isinstance(event, AttemptMetered)]
        seen[finished.state] += 1
        if finished.state == "failed":
            assert finished.error_code
            assert {row.outcome for row in metered} == {"failed"}
            assert finished.usage.completion_tokens == 0
            assert finished.first_delta_ms is None
        else:
            assert metered[-1].outcome == finished.state
        assert [event.left_at for event in events if isinstance(event, StageTimed)] == sorted(
            event.left_at for event in events if isinstance(event, StageTimed)
        )
        assert all(event.total_ms > finished.total_ms for event in events if isinstance(event, TurnTimed))
    assert seen["completed"] > 20 * seen["failed"] > 0
    assert seen["cancelled"] > 0


def test_what_has_landed_is_not_mixed_with_it(zone: LandingZone):
    with pytest.raises(ConfigurationError, match="Set SLUICE_HOME to a new folder"):
        seed(zone, PLAN, 1, lambda _done: None)


def test_a_history_that_broke_off_leaves_nothing(tmp_path: Path):
    def stop(_done: int) -> None:
        raise KeyboardInterrupt

    zone = LandingZone(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        seed(zone, PLAN, 1, stop)
    assert [*tmp_path.glob("*/date=*")] == []


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    run = ["seed-history", "--turns", "20", "--days", "2", "--until", "2026-03-02", "--processes", "1"]
    done = CliRunner().invoke(build(), run)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("20 turns, ")
    assert "20 of 20 turns" in done.stderr
    again = CliRunner().invoke(build(), run)
    assert (again.exit_code, "landed files already" in again.stderr) == (3, True)


@pytest.mark.parametrize(
    ("until", "why"),
    [("2099-03-01", "--until is a day that is over"), ("2020-01-29", "2019-12-31 is before 2020-01-01")],
)
def test_what_would_be_set_aside_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: str, why: str):
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    refused = CliRunner().invoke(build(), ["seed-history", "--until", until])
    assert (refused.exit_code, refused.stderr.partition(why)[1]) == (2, why)
    assert not (tmp_path / "landing").exists()


def test_who_is_told_to_end_leaves_no_process_and_no_file(tmp_path: Path):
    """Of many days the first is soon done, and much is left."""
    command = [sys.executable, "-c", "from sluice.cli.main import main; main()", "seed-history", "--turns", "400000"]
    environment = {**os.environ, "SLUICE_HOME": str(tmp_path)}
    options = ["--days", "400", "--processes", "2"]
    run = subprocess.Popen(
        [*command, *options], env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    assert run.stderr is not None
    assert "of 400000 turns" in run.stderr.readline()
    run.terminate()
    run.communicate(timeout=60)
    assert run.returncode == 128 + signal.SIGTERM
    assert not [*(tmp_path / "landing").glob("*/date=*/*")]
    assert until(lambda: not _lives(run.pid), 30)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
