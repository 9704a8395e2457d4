"""Kafka Connect with its sinks, killed, poisoned and without its registry: nothing is lost, nothing is doubled."""

import random
import time
from collections.abc import Iterator

import msgspec
import pyarrow as pa
import pytest

from connectors.connect.tables import SCHEMA, LandedTable, landed_tables
from local.connect import jars
from sluice.dead_letter_topics import read
from sluice.events import TurnEvent
from tests.doubles import NOON
from tests.integration.connect.stack import Stack, running_stack
from tests.integration.connectors.platform import whole_turn
from tests.samples import SAMPLES, SEALED

TABLES = {table.name: table for table in landed_tables()}
KILLS, TURNS = 3, 120


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    jars.install(jars.connect_home())
    with running_stack() as running:
        yield running


def places(stack: Stack, table: LandedTable) -> dict[str, list[str]]:
    """Ids of events as often as each sink has them."""
    rows = stack.in_iceberg(table)["event_id"].to_pylist()
    found = stack.in_postgres(f"select event_id from {SCHEMA}.{table.name}")
    return {"iceberg": sorted(rows), "jdbc": sorted(event_id for (event_id,) in found)}


def has(stack: Stack, table: str, ids: set[str]) -> bool:
    return all(ids <= set(found) for found in places(stack, TABLES[table]).values())


def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(stack: Stack) -> None:
    chance, said = random.Random(7), dict[str, list[str]]()
    number = 0
    for _ in range(KILLS + 1):
        for _ in range(TURNS // (KILLS + 1)):
            number += 1
            turn = whole_turn(number, NOON.replace(microsecond=123_456))
            feedback = msgspec.structs.replace(
                SAMPLES["FeedbackGiven"], event_id=f"turn-{number}-up", turn_id=f"turn-{number}", comment=SEALED
            )
            assert isinstance(feedback, TurnEvent)
            stack.say(*turn, feedback)
        time.sleep(chance.uniform(0, 4))
        if number < TURNS:
            stack.kill("worker")
            stack.start("worker")
    for table, suffixes in {
        "turn_telemetry": ("accept", "enrich", "redact", "respond", "timed"),
        "llm_usage": ("metered",),
        "chat_turns": ("finished",),
        "chat_controls": ("up",),
    }.items():
        said[table] = sorted(f"turn-{one + 1}-{suffix}" for one in range(TURNS) for suffix in suffixes)
    for table, ids in said.items():
        stack.wait(lambda table=table, ids=ids: has(stack, table, set(ids)), 90)
    time.sleep(3)  # two more commits, which must bring nothing
    for table, ids in said.items():
        assert places(stack, TABLES[table]) == {"iceberg": ids, "jdbc": ids}


def test_rows_are_those_of_the_landing_zone(stack: Stack) -> None:
    for table in landed_tables():
        rows = stack.in_iceberg(table)
        assert rows.schema.names == table.columns.names
        rows.cast(pa.schema([(one.name, one.type) for one in table.columns]))
    turn = stack.in_iceberg(TABLES["chat_turns"]).filter(pa.compute.field("event_id") == "turn-1-finished")
    (row,) = turn.to_pylist()
    finished = next(event for event in whole_turn(1, NOON.replace(microsecond=123_456)) if hasattr(event, "answer"))
    assert (row["occurred_at"], row["cost_usd"], row["answer"]) == (
        finished.occurred_at,
        finished.cost_usd,
        str(finished.answer),
    )
    assert row["hops"] == [msgspec.structs.asdict(hop) for hop in finished.hops]
    assert (row["_event"], row["_topic"]) == ("TurnFinished", "chat-turns")
    assert stack.in_postgres(
        f"select _event, usage->>'prompt_tokens', occurred_at = '{finished.occurred_at.isoformat()}', "
        f"cost_usd = {finished.cost_usd}, _offset from {SCHEMA}.chat_turns where event_id = 'turn-1-finished'"
    ) == [("TurnFinished", "12", True, True, row["_offset"])]
    columns = stack.in_postgres(
        f"select table_name, column_name from information_schema.columns where table_schema = '{SCHEMA}'"
    )
    found = {name for table, name in columns if table == "chat_turns"}
    assert found == set(TABLES["chat_turns"].columns.names)
    assert {"comment", "placeholders"}.isdisjoint(name for _, name in columns)


def test_poison_becomes_a_letter_and_stops_nothing(stack: Stack) -> None:
    good = whole_turn(500, NOON)
    value = stack.codec.encode(good[0])
    before = stack.put_away()
    with stack.watched():
        for poison in (b"{}", value[:-3], value + b"x", b"\0\0\0\x7f\xff..", None):
            stack.producer.produce("turn-telemetry", poison, good[0].session_id)
        stack.producer.produce("llm-usage", value, good[0].session_id)
        stack.say(*good)
        stack.wait(lambda: has(stack, "turn_telemetry", {good[0].event_id}))
        stack.wait(lambda: stack.put_away() == before + 12)  # both sinks put each away
        letters = lambda: read(stack.settings.bootstrap_servers, stack.codec).letters  # noqa: E731
        stack.wait(lambda: len(letters()) == 6)
        assert sorted((letter.reason, letter.consumer_group) for letter in letters()) == [
            (reason, "connect")
            for reason in (
                "bad_magic_byte", "null_record", "undecodable", "undecodable", "unexpected_event", "unknown_schema",
            )
        ]  # fmt: skip
        stack.wait(lambda: has(stack, "dead_letters", {letter.event_id for letter in letters()}))
    assert not any(state.failed for state in stack.rest.states())


def test_a_registry_that_is_away_makes_nobody_a_letter(stack: Stack) -> None:
    before = stack.put_away()
    stack.kill("registry")
    stack.kill("worker")  # a new one knows no schema
    stack.start("worker")
    turn = whole_turn(600, NOON)
    ids = {event.event_id for event in turn[:4]}
    stack.say(*turn)
    stack.wait(stack.answers, 60)
    stack.wait(lambda: all(state.states == ("RUNNING", "RUNNING") for state in stack.rest.states()))
    time.sleep(6)
    assert not has(stack, "turn_telemetry", ids)
    assert all(state.states == ("RUNNING", "RUNNING") for state in stack.rest.states())
    stack.start("registry")
    stack.wait(lambda: has(stack, "turn_telemetry", ids), 90)
    assert stack.put_away() == before


def test_what_fails_is_restarted(stack: Stack) -> None:
    with stack.watched():
        turn = whole_turn(700, NOON)
        with stack.without_postgres():
            stack.say(*turn)
            stack.wait(lambda: any(state.failed for state in stack.rest.states()))
        for table, place in {"turn_telemetry": 0, "llm_usage": 4, "chat_turns": 5}.items():
            stack.wait(lambda table=table, place=place: has(stack, table, {turn[place].event_id}))
        stack.wait(lambda: not any(state.failed for state in stack.rest.states()))
    ids = places(stack, TABLES["turn_telemetry"])
    assert ids["iceberg"] == ids["jdbc"] == sorted(set(ids["jdbc"]))
