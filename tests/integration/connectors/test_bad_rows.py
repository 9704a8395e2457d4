"""Whatever lands, nothing is counted silently wrong, and the build goes on."""

import math
import os
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from connectors.dbt_environment import DbtEnvironment
from connectors.landing import landed_topics
from connectors.warehouse.build import Warehouse
from sluice.clock import utc_now
from sluice.events import AttemptMetered, TurnFinished
from sluice.paths import checkout, data_folder
from tests.arrivals import LandedLog, made
from tests.doubles import NOON
from tests.integration.connectors.platform import whole_turn
from tests.samples import USAGE

pytestmark = pytest.mark.usefixtures("dbt")


FAR, LONG_AGO = datetime(2099, 1, 1, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC)
AT_ONCE = {"entered_at": NOON, "left_at": NOON}
ABSURD: list[tuple[str, dict[str, Any], str]] = [
    ("AttemptMetered", {"usage": {"prompt_tokens": 2**31 - 1, "completion_tokens": 2**31 - 1}}, "out_of_range"),
    ("AttemptMetered", {"attempt": -5}, "negative_value"),
    ("AttemptMetered", {"started_at": FAR}, "from_the_future"),
    ("AttemptMetered", {"started_at": LONG_AGO}, "too_early"),
    ("AttemptMetered", {"duration_ms": math.inf}, "out_of_range"),
    ("AttemptMetered", {"first_token_ms": math.nan}, "out_of_range"),
    ("AttemptMetered", {"cost_usd": Decimal(10**9)}, "out_of_range"),
    ("TurnFinished", {"accepted_at": FAR}, "from_the_future"),
    ("TurnFinished", {"accepted_at": LONG_AGO, "occurred_at": LONG_AGO}, "too_early"),
    ("TurnFinished", {"total_ms": math.nan}, "out_of_range"),
    ("TurnFinished", {"first_delta_ms": 1e300}, "out_of_range"),
    ("TurnFinished", {"attempts": 2**31 - 1}, "out_of_range"),
    ("TurnTimed", {"total_ms": math.nan}, "out_of_range"),
    ("TurnTimed", {"total_ms": 1e300}, "out_of_range"),
    ("TurnTimed", {"overhead_ms": -math.inf}, "out_of_range"),
    ("StageTimed", AT_ONCE | {"left_at": FAR}, "from_the_future"),
    ("StageTimed", AT_ONCE | {"entered_at": FAR, "left_at": FAR}, "from_the_future"),
    ("StageTimed", AT_ONCE | {"entered_at": LONG_AGO}, "too_early"),
    ("StageTimed", AT_ONCE | {"entered_at": NOON - timedelta(days=900)}, "out_of_range"),
    ("FeedbackGiven", {"occurred_at": LONG_AGO}, "too_early"),
    ("AuditRecorded", {"occurred_at": FAR}, "from_the_future"),
    ("DeadLetter", {"occurred_at": LONG_AGO}, "too_early"),
]
"""Each of them broke a type, a sum or the calendar, or was counted."""


def rows(path: Path, query: str) -> list[Any]:
    with duckdb.connect(str(path), read_only=True) as db:
        return db.execute(query).fetchall()


def test_bad_rows_and_bad_files_are_set_aside_with_a_reason(tmp_path: Path) -> None:
    log = LandedLog(tmp_path / "landing")
    house = Warehouse(tmp_path / "home" / "w.duckdb", data_folder("dbt"), DbtEnvironment(checkout()).dbt, os.environ)
    turn = whole_turn(1, NOON)
    for event in turn:
        (path,) = log.land([event], NOON)
        if isinstance(event, TurnFinished):
            finished = path
        if isinstance(event, AttemptMetered):
            metered = path
    log.land([turn[0]], NOON + timedelta(minutes=1))
    log.land([made("StageTimed", "t", "stage", NOON)], NOON, stage="ponder")
    log.land([made("StageTimed", "t", "back", NOON, left_at=NOON - timedelta(seconds=1))], NOON)
    negative = msgspec.structs.replace(USAGE, prompt_tokens=-1)
    log.land([made("AttemptMetered", "t", "tokens", NOON, usage=negative)], NOON)
    log.land([made("FeedbackGiven", "t", "nameless", NOON)], NOON, user_id=None)
    log.land([made("TurnFinished", "t", "early", NOON + timedelta(days=900))], NOON)
    ahead = utc_now() + timedelta(days=1)
    log.land([made("TurnTimed", "t", "ahead", ahead)], ahead)

    (torn,) = log.land([made("AttemptMetered", "t", "torn", NOON)], NOON)
    torn.write_bytes(torn.read_bytes()[:-9])
    (text,) = log.land([made("AttemptMetered", "t", "text", NOON)], NOON)
    text.write_text("turn_id,tokens\nt,1\n")
    (damaged,) = log.land([made("AttemptMetered", "t", "damaged", NOON)], NOON)
    content = bytearray(damaged.read_bytes())
    content[4:400] = bytes(396)
    damaged.write_bytes(content)
    copied = finished.parent.with_name("date=2026-02-01") / finished.name
    copied.parent.mkdir()
    shutil.copyfile(finished, copied)
    astray, other = finished.parent / metered.name, metered.with_name("llm-usage-99-0-0.parquet")
    for place in (astray, other):
        shutil.copyfile(metered, place)

    built = house.build(log.zone, landed_topics(), lambda _: None)
    assert built.failures == ()
    assert {log.zone.root / path for path in built.set_aside} == {torn, text, damaged, astray, other}
    assert built.quarantined == {
        "from_the_future": 2,
        "landed_twice": 1,
        "missing_value": 1,
        "negative_value": 2,
        "resent": 1,
        "unknown_value": 1,
    }
    assert rows(
        house.path, "select reason, detail from marts.quarantine where is_critical order by reason, detail"
    ) == [
        ("from_the_future", "logged_at"),
        ("from_the_future", "occurred_at"),
        ("missing_value", "user_id"),
        ("negative_value", "left_at"),
        ("negative_value", "prompt_tokens"),
        ("unknown_value", "stage"),
    ]
    assert rows(house.path, "select count(*), sum(prompt_tokens) from marts.fact_chat_events") == [(6, 12)]
    assert rows(house.path, "select turn_id, state, attempts from marts.fact_chat_turns") == [
        ("turn-1", "completed", 1)
    ]
    assert rows(house.path, "select turn_id, attempt from marts.fact_llm_attempts") == [("turn-1", 1)]
    assert rows(
        house.path,
        "select sum(good_events), sum(critical_rows), sum(repeated_rows), bool_and(is_critical_met) "
        "from marts.daily_data_quality",
    ) == [(7, 6, 2, False)]
    assert any(warning.startswith("critical_errors_are_few") for warning in built.warnings)

    copied.unlink()
    torn.unlink()
    again = house.build(log.zone, landed_topics(), lambda _: None)
    assert again.anew is not None
    assert "is gone" in again.anew
    assert "landed_twice" not in again.quarantined
    assert torn.name not in "".join(again.set_aside)


def test_what_cannot_be_is_set_aside_and_the_build_goes_on(tmp_path: Path) -> None:
    log = LandedLog(tmp_path / "landing")
    house = Warehouse(tmp_path / "home" / "w.duckdb", data_folder("dbt"), DbtEnvironment(checkout()).dbt, os.environ)
    for event in whole_turn(1, NOON):
        log.land([event], NOON)
    for number, (name, spoilt, _) in enumerate(ABSURD):
        log.land([made(name, f"odd-{number}", "odd", NOON)], NOON, **spoilt)
    log.land([made("TurnTimed", "odd", "undated", NOON)], NOON, total_ms=1.0)
    log.land([made("StageTimed", "odd", "coded", NOON, **AT_ONCE, stage="accept", error_code="no_slot")], NOON)
    log.land([made("FeedbackGiven", "unheard-of", "early", NOON)], NOON)
    for logged_at in (LONG_AGO, FAR):
        log.land([made("TurnTimed", "odd", f"of-{logged_at.year}", NOON)], logged_at)
    begun = utc_now().date()
    letter = made("DeadLetter", "letter", "letter", NOON, origin_offset=5)
    log.land([letter], NOON, origin_timestamp=LONG_AGO)  # of a record that was odd itself

    built = house.build(log.zone, landed_topics(), lambda _: None)
    assert built.failures == ()
    found = {event: (reason, columns) for event, reason, columns in rows(house.path, _REASONS)}
    assert {
        event: reason for event, (reason, _) in found.items() if event.startswith("odd-") and event[4].isdigit()
    } == {f"odd-{number}-odd": reason for number, (_, _, reason) in enumerate(ABSURD)}
    assert found["odd-of-1900"] == ("too_early", "logged_at")
    assert found["odd-of-2099"] == ("from_the_future", "logged_at")
    assert any(warning.startswith("known_words_fact_chat_events_error_code") for warning in built.warnings)
    assert rows(house.path, "select turn_id, is_turn_known from marts.fact_feedback") == [("unheard-of", False)]
    log.land([made("StageTimed", "unheard-of", "accept", NOON, **AT_ONCE, stage="accept")], NOON)
    assert house.build(log.zone, landed_topics(), lambda _: None).failures == ()
    assert rows(house.path, "select turn_id, is_turn_known from marts.fact_feedback") == [("unheard-of", True)]
    assert rows(house.path, "select turn_id, state from marts.fact_chat_turns order by all") == [
        ("odd", "running"),
        ("turn-1", "completed"),
        ("unheard-of", "running"),
    ]
    assert rows(house.path, "select count(*), sum(total_tokens) from marts.fact_llm_attempts") == [(1, 15)]
    assert rows(house.path, "select date_day::varchar from marts.dim_date") == [("2026-03-01",)]
    odd, undated = rows(
        house.path,
        "select date_day, critical_rows, rejected_records from marts.daily_data_quality "
        "where critical_rows + rejected_records > 0 order by all",
    )
    assert odd == (NOON.date(), len(ABSURD), 1)
    assert undated in [(day, 2, 0) for day in (begun, utc_now().date())]  # it may be midnight


_REASONS = "select event_id, reason, detail from marts.quarantine"
