"""Kafka Connect with its sinks, killed, poisoned and without its registry: nothing is lost, nothing is doubled."""

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pytest

from connectors.connect.preparing import lakehouse
from connectors.connect.sinks import LETTERS_TOPIC
from connectors.connect.tables import SCHEMA, LandedTable, landed_tables
from connectors.connect.warehouse import IcebergWarehouse, hand_out
from connectors.dbt_environment import DbtEnvironment
from local.connect import jars
from sluice.dead_letter_topics import read
from sluice.events import TurnEvent
from sluice.paths import checkout, data_folder
from tests.doubles import NOON
from tests.integration.connect.stack import Stack, running_stack
from tests.integration.connectors.platform import whole_turn
from tests.integration.connectors.test_incremental import differences
from tests.landed import landed
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
        stack.wait(lambda: stack.put_away() >= before + 12)  # both sinks put each away, at least once
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


def test_a_good_record_that_was_put_away_is_put_back_once(stack: Stack) -> None:
    """As one that was too new for its reader, before `sluice connect apply`."""
    usage = next(event for event in whole_turn(800, NOON) if type(event).__name__ == "AttemptMetered")
    told = {"topic": "llm-usage", "partition": "1", "offset": "7", "exception.message": "unexpected_event: schema id 9"}
    headers = [(f"__connect.errors.{name}", value.encode()) for name, value in told.items()]
    stack.producer.produce(LETTERS_TOPIC, stack.codec.encode(usage), usage.session_id, headers=headers)
    assert stack.producer.flush(30) == 0

    def letter() -> str | None:
        letters = read(stack.settings.bootstrap_servers, stack.codec).letters
        return next((one.event_id for one in letters if (one.origin_partition, one.origin_offset) == (1, 7)), None)

    with stack.watched():
        stack.wait(lambda: letter() is not None)
        for words in ("1 put back", "1 was back already"):
            assert words in stack.sluice("dlq", "redrive", str(letter()))
        stack.wait(lambda: has(stack, "llm_usage", {usage.event_id}))
    found = places(stack, TABLES["llm_usage"])
    assert [ids.count(usage.event_id) for ids in found.values()] == [1, 1]


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


def test_one_dbt_project_makes_the_same_marts_of_both_landing_zones(stack: Stack, tmp_path: Path) -> None:
    environment, project = DbtEnvironment(checkout()), data_folder("dbt")
    if not environment.ready:
        environment.make()

    def landed_alike() -> bool:
        return all(
            stack.in_iceberg(table).num_rows
            == sum(landed(stack.settings.landing_dir, topic.name)[0] for topic in table.topics)
            for table in landed_tables()
        )

    with stack.watched(), stack.landing_sink():
        stack.wait(lambda: stack.landing_sink_is_at_the_end() and landed_alike())
    houses = [IcebergWarehouse(tmp_path / name / "w.duckdb", project, environment.dbt, os.environ) for name in "ab"]
    parquet, iceberg = houses
    with closing(lakehouse(stack.places)) as catalog:
        hand_out(catalog, landed_tables(), tmp_path / "tables")
    with ThreadPoolExecutor() as pool:
        source = {"SLUICE_LANDING_DIR": str(stack.settings.landing_dir)}
        from_parquet = pool.submit(parquet.run, source, lambda _: None)
        assert iceberg.build(tmp_path / "tables", lambda _: None) == []
        assert from_parquet.result() == []
    assert differences(parquet.path, iceberg.path) == []
    with duckdb.connect(str(iceberg.path), read_only=True) as db:
        turns = db.execute("select count(*), sum(cost_usd) > 0 from marts.fact_chat_turns").fetchone()
        letters = db.execute("select count(*) from marts.fact_dead_letters").fetchone()
    assert turns == (TURNS + 4, True)
    assert letters == (13,)  # six records, put away by Connect and by the landing sink, and the one that was put back
