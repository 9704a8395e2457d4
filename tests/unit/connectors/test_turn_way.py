"""One turn, put together from what lies in the log."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any, cast

import msgspec
import pytest
from rich.console import Console

from connectors.turn_view import bar, view
from connectors.turn_way import Record, TurnWay, way_of
from sluice.events import TurnEvent
from sluice.topics import topic_of
from tests.doubles import NOON
from tests.samples import SAMPLES, TURN_ID


def record(name: str, offset: int = 0, **changes: Any) -> Record:
    event = msgspec.structs.replace(SAMPLES[name], **changes)
    return Record(topic_of(name), 3, offset, cast(TurnEvent, event))


def timed(stage: str, start: int, end: int, offset: int = 0, outcome: str = "passed") -> Record:
    at = {"entered_at": NOON + timedelta(milliseconds=start), "left_at": NOON + timedelta(milliseconds=end)}
    return record("StageTimed", offset, stage=stage, outcome=outcome, **at)


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (("ChatRequested",), "running"),
        (("AttemptStarted", "TurnCompleted"), "completed"),
        (("TurnFailed",), "failed"),
        (("TurnCancelled",), "cancelled"),
        (("AttemptStarted", "DeltaProduced"), "running"),
    ],
)
def test_the_state_is_what_the_replies_say(names: tuple[str, ...], state: str) -> None:
    assert way_of(TURN_ID, [record(name, offset) for offset, name in enumerate(names)]).state == state


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_the_finished_turn_has_the_last_word(state: str) -> None:
    assert way_of(TURN_ID, [record("TurnCompleted"), record("TurnFinished", state=state)]).state == state


def test_a_stage_timed_twice_counts_once_and_hops_fill_the_gaps() -> None:
    way = way_of(
        TURN_ID, [record("PromptReady"), timed("redact", 20, 30, 2), timed("redact", 50, 90, 3), timed("enrich", 5, 9)]
    )
    assert [(v.stage, v.duration_ms, v.outcome) for v in way.stages] == [
        ("accept", 2.0, None),
        ("enrich", 4.0, "passed"),
        ("redact", 10.0, "passed"),
    ]


def test_a_stage_itself_knows_better_than_those_after_it() -> None:
    way = way_of(TURN_ID, [record("ChatRequested"), timed("accept", 0, 7)])
    assert [(v.duration_ms, v.outcome) for v in way.stages] == [(7.0, "passed")]


def test_an_attempt_without_a_ledger_row_is_running() -> None:
    way = way_of(
        TURN_ID,
        [
            record("AttemptStarted", 1),
            record("AttemptStarted", 2, attempt=2, model="m-2"),
            record("AttemptMetered", 1, outcome="failed"),
            record("AttemptMetered", 2, outcome="completed"),
        ],
    )
    assert [(a.attempt, a.outcome) for a in way.attempts] == [(1, "failed"), (2, "running")]


def test_the_document_is_the_one_of_the_interfaces() -> None:
    way = way_of(TURN_ID, [record("TurnFinished", 9), record("AttemptMetered", 4), timed("respond", 0, 40)])
    document = json.loads(json.dumps(way.as_json()))
    assert [*document] == ["turn_id", "session_id", "state", "stages", "attempts", "records", "landed", "warehouse"]
    assert document["records"][0] == {"topic": "chat-turns", "partition": 3, "offset": 9}
    assert [*document["stages"][0]] == ["stage", "entered_at", "left_at", "outcome", "duration_ms"]
    assert document["attempts"][0]["cost_usd"] == "0.0000036000"


def test_nothing_of_the_answer_is_shown() -> None:
    way = way_of(TURN_ID, [record("DeltaProduced"), record("TurnFinished")])
    assert "grüß" not in json.dumps(way.as_json(), ensure_ascii=False)


def test_the_view_shows_where_time_went() -> None:
    out = StringIO()
    deltas = [record("DeltaProduced", offset) for offset in range(5, 9)]
    metered = record("AttemptMetered", started_at=NOON + timedelta(milliseconds=12), duration_ms=20.0)
    way = way_of(TURN_ID, [timed("enrich", 0, 10), timed("respond", 10, 40, outcome="completed"), metered, *deltas])
    Console(file=out, width=160).print(view(way))
    text = out.getvalue()
    assert "offsets 5 to 8, 4 records" in text
    assert "attempt 1" in text
    assert "40.0" in text
    assert "nothing yet" in text
    assert "not built" in text


def test_the_view_of_a_turn_that_only_landed() -> None:
    out = StringIO()
    way = TurnWay("t-1", None, "failed", landed=("a.parquet",), warehouse={"fact_chat_events": 6})
    Console(file=out, width=160).print(view(way))
    assert "6 rows" in out.getvalue()


@pytest.mark.parametrize(
    ("start", "stop", "drawn"),
    [(0, 10, "█" * 10), (5, 10, " " * 5 + "█" * 5), (10, 10, " " * 9 + "█"), (0, 0, "█")],
)
def test_a_bar_is_in_its_place(start: int, stop: int, drawn: str) -> None:
    times = [NOON + timedelta(milliseconds=number) for number in (0, 10, start, stop)]
    assert bar(times[0], times[1], times[2], times[3], width=10) == drawn
