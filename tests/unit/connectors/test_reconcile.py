"""Three counts of the same events, cut to the same window; and the search for one turn in the same places."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import duckdb
import msgspec
import pytest

from connectors.batching import Place, Portion
from connectors.billing import Call, Meter
from connectors.columns import columns_of
from connectors.landing_zone import LandingZone
from connectors.log_scan import LogScan, Span, Window, whole
from connectors.measures import Reconciliation, Tally
from connectors.reconcile import TOPICS, reconcile
from connectors.tables import table_of
from connectors.turn_search import find_turn, session_topics
from connectors.turn_way import TurnWay
from sluice.codec import Codec
from sluice.dead_letters import Origin
from sluice.errors import ConfigurationError
from sluice.events import Event
from sluice.partitioning import partition_for
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.topics import catalogue, topic_of
from tests.doubles import NOON
from tests.samples import COST, SAMPLES
from tests.unit.connectors.rows import row_of

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
PARTITION = partition_for("s-1", 8)
ONE = Tally(events=3, turns=1, attempts=1, tokens=15, cost_usd=COST)


def untold(path: str, problem: str) -> None:
    raise AssertionError(f"{path}: {problem}")


def event(name: str, label: str) -> Event:
    changes: dict[str, Any] = {"event_id": label, "turn_id": label.partition("/")[0]}
    return cast(Event, msgspec.structs.replace(SAMPLES[name], **changes))


def turn(turn_id: str) -> list[Event]:
    return [event(name, f"{turn_id}/{name}") for name in ("StageTimed", "AttemptMetered", "TurnFinished")]


@dataclass
class MemoryScan:
    """A log in memory: topic to the values of one partition."""

    log: dict[str, list[bytes]]
    lows: dict[str, int]

    @classmethod
    def of(cls, events: list[Event], **lows: int) -> "MemoryScan":
        scan = cls({}, lows)
        for said in events:
            scan.log.setdefault(topic_of(type(said).__name__), []).append(CODEC.encode(said))
        return scan

    def partitions(self, topics: list[str]) -> dict[str, int]:
        return {topic: 8 for topic in topics if topic in self.log}

    def window(self, places: Any) -> dict[Place, Span]:
        return {place: Span(self.lows.get(place.topic, 0), len(self.log[place.topic])) for place in places}

    def records(self, window: Window) -> Iterator[Origin]:
        for place, span in window.items():
            if place.partition == PARTITION:
                for offset in range(span.low, span.end):
                    yield Origin(*place, offset, NOON, None, self.log[place.topic][offset], [])

    def land(self, zone: LandingZone) -> None:
        for topic, values in self.log.items():
            rows = []
            for offset, value in enumerate(values):
                rows.append(row_of(CODEC.decode(value), Place(topic, PARTITION), offset))
            portion = Portion(Place(topic, PARTITION), NOON.date(), tuple(rows))
            zone.write(portion, table_of(portion, columns_of(catalogue()[topic]), NOON))


def build(path: Path, zone: LandingZone) -> Path:
    """Facts as dbt makes them, as far as the comparison looks."""
    for name in ("turn-telemetry", "chat-turns", "llm-usage"):
        zone.declare(catalogue()[name])
    with duckdb.connect(str(path)) as db:
        db.execute("create schema marts")
        for model, topics, more in (
            ("fact_chat_events", ("turn-telemetry", "chat-turns"), ""),
            (
                "fact_llm_attempts",
                ("llm-usage",),
                ", usage.prompt_tokens + usage.completion_tokens as total_tokens, cost_usd",
            ),
        ):
            parts = [
                f"select event_id, _event as event_type, turn_id, date '2026-03-01' as date_day, "
                f"_topic as source_topic, _partition as source_partition, _offset as source_offset {more} "
                f"from read_parquet('{zone.root}/{topic}/**/*.parquet', hive_partitioning = false) "
                "qualify row_number() over (partition by event_id order by _offset) = 1"
                for topic in topics
            ]
            db.execute(f"create table marts.{model} as " + " union all ".join(parts))
        db.execute(
            "create table marts.quarantine (event_id varchar, reason varchar, detail varchar, is_critical boolean, "
            "source_topic varchar, source_partition integer, source_offset bigint)"
        )
    return path


def set_aside(path: Path, table: str, event_id: str | None, place: int, reason: str = "negative_value") -> None:
    """Out of the facts, into quarantine, as dbt does."""
    topic, critical = {"fact_llm_attempts": "llm-usage"}.get(table, "chat-turns"), reason != "resent"
    with duckdb.connect(str(path)) as db:
        db.execute(
            f"delete from marts.{table} where source_topic = ? and source_offset = ?",
            [topic, place],
        )
        values = [event_id, reason, "prompt_tokens" if critical else None, critical, topic, PARTITION, place]
        db.execute("insert into marts.quarantine values (?, ?, ?, ?, ?, ?, ?)", values)


def compare(scan: MemoryScan, zone: LandingZone, path: Path) -> Reconciliation:
    log = cast(LogScan, scan)
    return reconcile(log, whole(log, TOPICS), CODEC, zone, path, lambda _done: None, untold)


def test_equal_layers_reconcile(tmp_path: Path) -> None:
    zone, scan = LandingZone(tmp_path / "l"), MemoryScan.of([*turn("t-1"), *turn("t-2"), *turn("t-1")])
    scan.land(zone)
    found = compare(scan, zone, build(tmp_path / "w.duckdb", zone))
    assert found.drift == Tally()
    assert found.days[0].layers == dict.fromkeys(("topics", "landing", "facts"), ONE.plus(ONE))


def test_what_did_not_land_is_drift(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path / "l")
    MemoryScan.of(turn("t-1")).land(zone)
    path = build(tmp_path / "w.duckdb", zone)
    found = compare(MemoryScan.of([*turn("t-1"), *turn("t-2")]), zone, path)
    assert found.drift == ONE


def test_each_difference_is_named_with_its_place(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path / "l")
    scan = MemoryScan.of([*turn("t-1"), *turn("t-2")])
    MemoryScan.of([*turn("t-1"), event("AttemptMetered", "t-9/strange")]).land(zone)
    path = build(tmp_path / "w.duckdb", zone)
    with duckdb.connect(str(path)) as db:
        db.execute("update marts.fact_llm_attempts set total_tokens = 16 where event_id = 't-1/AttemptMetered'")
        db.execute("update marts.fact_chat_events set date_day = '2026-03-02' where event_id = 't-1/StageTimed'")
    found = compare(scan, zone, path)
    named = {(one.layer, one.event_id, one.what, one.topic, one.offset) for one in found.differences}
    assert ("landing", "t-2/TurnFinished", "missing", "chat-turns", 1) in named
    assert ("landing", "t-9/strange", "too many", "llm-usage", 1) in named
    assert ("facts", "t-1/AttemptMetered", "16 tokens, in the topic 15", "llm-usage", 0) in named
    day = NOON.date().isoformat()
    assert ("facts", "t-1/StageTimed", f"on 2026-03-02, in the topic on {day}", "turn-telemetry", 0) in named
    assert not found.agrees
    assert found.as_json()["differences"][0]["partition"] == PARTITION


def below_zero(event_id: str) -> Event:
    usage = msgspec.structs.replace(cast(Any, SAMPLES["AttemptMetered"]).usage, prompt_tokens=-70)
    return cast(Event, msgspec.structs.replace(cast(Any, event("AttemptMetered", event_id)), usage=usage))


@pytest.mark.parametrize("named", ["t-2/AttemptMetered", None])
def test_what_is_in_quarantine_is_counted_by_itself_and_is_no_drift(tmp_path: Path, named: str | None) -> None:
    zone = LandingZone(tmp_path / "l")
    scan = MemoryScan.of([*turn("t-1"), below_zero("t-2/AttemptMetered"), *turn("t-1")])
    scan.land(zone)
    path = build(tmp_path / "w.duckdb", zone)
    set_aside(path, "fact_llm_attempts", named, 1)
    found = compare(scan, zone, path)
    assert (found.agrees, found.differences, found.drift) == (True, (), Tally())
    (day,) = found.days
    assert day.layers["facts"] == ONE
    assert day.layers["quarantine"] == day.layers["topics"].minus(ONE)
    assert (day.layers["quarantine"].events, day.layers["quarantine"].tokens < 0) == (1, True)
    assert found.as_json()["quarantined"] == [
        {
            "event_id": "t-2/AttemptMetered",
            "event_type": "AttemptMetered",
            "turn_id": "t-2",
            "topic": "llm-usage",
            "partition": PARTITION,
            "offset": 1,
            "reason": "negative_value",
            "detail": "prompt_tokens",
        }
    ]


def test_of_two_ends_of_a_turn_one_is_in_quarantine(tmp_path: Path) -> None:
    zone, scan = LandingZone(tmp_path / "l"), MemoryScan.of([*turn("t-1"), event("TurnFinished", "t-1/second")])
    scan.land(zone)
    path = build(tmp_path / "w.duckdb", zone)
    set_aside(path, "fact_chat_events", "t-1/second", 1)
    found = compare(scan, zone, path)
    assert (found.agrees, found.days[0].layers["quarantine"]) == (True, Tally(events=1))


@pytest.mark.parametrize(
    ("event_id", "place", "reason"),
    [
        ("t-1/AttemptMetered", 0, "resent"),
        ("of a topic that is gone", 0, "negative_value"),
        ("t-2/AttemptMetered", 1, "negative_value"),
    ],
)
def test_what_is_missing_without_a_reason_of_its_own_is_drift(
    tmp_path: Path, event_id: str, place: int, reason: str
) -> None:
    zone, scan = LandingZone(tmp_path / "l"), MemoryScan.of(turn("t-1"))
    scan.land(zone)
    path = build(tmp_path / "w.duckdb", zone)
    set_aside(path, "fact_llm_attempts", event_id, place, reason)
    with duckdb.connect(str(path)) as db:
        db.execute("delete from marts.fact_llm_attempts")
    found = compare(scan, zone, path)
    assert [(one.layer, one.event_id, one.what) for one in found.differences] == [
        ("facts", "t-1/AttemptMetered", "missing")
    ]
    assert (found.quarantined, found.drift.attempts, found.agrees) == ((), 1, False)


def test_a_copy_that_was_fit_is_in_the_facts_although_the_first_is_in_quarantine(tmp_path: Path) -> None:
    zone, scan = LandingZone(tmp_path / "l"), MemoryScan.of([*turn("t-1"), *turn("t-1")])
    scan.land(zone)
    path = build(tmp_path / "w.duckdb", zone)
    set_aside(path, "fact_llm_attempts", "t-1/AttemptMetered", 0, "from_the_future")
    with duckdb.connect(str(path)) as db:
        db.execute(
            "insert into marts.fact_llm_attempts select event_id, _event, turn_id, date '2026-03-01', _topic, "
            "_partition, _offset, usage.prompt_tokens + usage.completion_tokens, cost_usd "
            f"from read_parquet('{zone.root}/llm-usage/**/*.parquet', hive_partitioning = false) where _offset = 1"
        )
    found = compare(scan, zone, path)
    assert (found.agrees, found.quarantined, found.days[0].layers["facts"]) == (True, (), ONE)


def test_the_providers_meter_is_asked_too(tmp_path: Path) -> None:
    zone, scan = LandingZone(tmp_path / "l"), MemoryScan.of(turn("t-1"))
    scan.land(zone)
    path = build(tmp_path / "w.duckdb", zone)
    meter = Meter(NOON, NOON, (Call("c", "unknown", "m", NOON - timedelta(hours=1), 3, running=False),))
    log = cast(LogScan, scan)
    found = reconcile(log, whole(log, TOPICS), CODEC, zone, path, lambda _done: None, untold, meter)
    assert found.billing is not None
    assert [one.what for one in found.billing.differences] == ["a call of m without a row"]
    assert (found.drift, found.agrees) == (Tally(), False)


def test_what_retention_took_or_arrived_later_is_no_drift(tmp_path: Path) -> None:
    zone, all_of_it = LandingZone(tmp_path / "l"), [*turn("t-1"), *turn("t-2"), *turn("t-3")]
    MemoryScan.of(all_of_it).land(zone)
    lows = {"turn-telemetry": 1, "chat-turns": 1, "llm-usage": 1}
    scan = MemoryScan.of(all_of_it[:6], **lows)
    found = compare(scan, zone, build(tmp_path / "w.duckdb", zone))
    assert found.drift == Tally()
    assert found.days[0].layers["topics"] == ONE


def test_a_resend_whose_first_copy_is_gone_from_the_log_is_no_drift(tmp_path: Path) -> None:
    zone, scan = LandingZone(tmp_path / "l"), MemoryScan.of([*turn("t-1"), *turn("t-1")])
    scan.land(zone)
    scan.lows.update({"turn-telemetry": 1, "chat-turns": 1, "llm-usage": 1})
    assert compare(scan, zone, build(tmp_path / "w.duckdb", zone)).drift == Tally()


def test_what_cannot_be_read_is_not_counted(tmp_path: Path) -> None:
    zone, scan = LandingZone(tmp_path / "l"), MemoryScan.of(turn("t-1"))
    scan.land(zone)
    scan.log["llm-usage"] += [b"junk", CODEC.encode(event("StageTimed", "x/1")), CODEC.encode(SAMPLES["AuditRecorded"])]
    assert compare(scan, zone, build(tmp_path / "w.duckdb", zone)).drift == Tally()


def test_without_a_warehouse_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="sluice warehouse"):
        compare(MemoryScan.of([]), LandingZone(tmp_path / "l"), tmp_path / "none.duckdb")


def test_a_file_that_is_no_warehouse_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(ConfigurationError, match="no warehouse of ours"):
        compare(MemoryScan.of([]), LandingZone(tmp_path / "l"), path)
    with pytest.raises(ConfigurationError, match="no warehouse of ours"):
        find("t-1", MemoryScan.of(turn("t-1")), LandingZone(tmp_path / "l"), path)


def find(turn_id: str, scan: MemoryScan, zone: LandingZone, path: Path) -> TurnWay | None:
    return find_turn(turn_id, cast(LogScan, scan), CODEC, zone, path, lambda _seen: None, untold)


def test_a_turn_is_found_in_all_three_places(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path / "l")
    mentioned = event("RequestEnriched", "t-2/history")
    scan = MemoryScan.of([*turn("t-1"), *turn("t-2"), mentioned])
    scan.log["chat-turns"].append(b"\x00\x00\x00\x00\x01 t-1 but torn")
    way = find("t-1", scan, zone, tmp_path / "none")
    assert way is not None
    assert (len(way.records), way.landed, way.warehouse) == (3, (), {})
    scan.log["chat-turns"].pop()
    scan.log.pop("chat-enriched")
    scan.land(zone)
    way = find("t-1", scan, zone, build(tmp_path / "w.duckdb", zone))
    assert way is not None
    assert len(way.landed) == 3
    assert way.warehouse == {"fact_chat_events": 2, "fact_llm_attempts": 1}


def test_a_turn_that_left_the_log_is_found_where_it_landed(tmp_path: Path) -> None:
    zone = LandingZone(tmp_path / "l")
    MemoryScan.of(turn("t-1")).land(zone)
    way = find("t-1", MemoryScan.of([]), zone, tmp_path / "none")
    assert way is not None
    assert (way.session_id, way.state, way.records) == ("s-1", "completed", ())


def test_a_turn_nobody_knows_is_none(tmp_path: Path) -> None:
    assert find("t-9", MemoryScan.of(turn("t-1")), LandingZone(tmp_path / "l"), tmp_path / "none") is None


def test_turns_are_searched_in_the_topics_of_sessions() -> None:
    assert "chat-replies" in session_topics()
    assert not {"audit-log", "erasure-requests", "chat-turns-dlq"} & {*session_topics()}
