"""Count the same events three times: in the log, in the landing zone, in the facts.

All three are cut to the same window of offsets, so that neither retention nor what arrived meanwhile is drift, and
a resent event counts once, by its first copy, as in the warehouse. What the facts lack because something is wrong
with it is counted by itself.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from connectors.billing import Meter, compare
from connectors.landing_zone import LandingZone
from connectors.left_out import LeftOut, Paths, ask_landed, listed
from connectors.log_scan import LogScan, Window
from connectors.measures import Difference, Layer, Reconciliation, SetAside, Tally, reconciliation_of
from sluice.codec import Codec
from sluice.dead_letters import Origin
from sluice.errors import ConfigurationError, Rejected
from sluice.events import AttemptMetered, TurnEvent
from sluice.topics import catalogue

TOPICS = ("turn-telemetry", "chat-turns", "llm-usage")
"""What the facts are made of."""

_CHUNK = 10_000
_ROWS = pa.schema(
    [
        ("event_id", pa.string()),
        ("event_type", pa.string()),
        ("turn_id", pa.string()),
        ("day", pa.string()),
        ("tokens", pa.int64()),
        ("cost_usd", pa.decimal128(20, 10)),
        ("topic", pa.string()),
        ("part", pa.int32()),
        ("place", pa.int64()),
    ]
)
_LANDING = """
    select event_id, _event as event_type, turn_id, strftime(occurred_at at time zone 'UTC', '%Y-%m-%d') as day,
        {tokens} as tokens, {cost} as cost_usd, _topic as topic, _partition as part, _offset as place
    from read_parquet({files}, union_by_name = true, hive_partitioning = false)
"""
_FACTS = """
    select event_id, event_type, turn_id, strftime(date_day, '%Y-%m-%d') as day, 0 as tokens, 0 as cost_usd,
        source_topic as topic, source_partition as part, source_offset as place
    from warehouse.marts.fact_chat_events
    union all
    select event_id, 'AttemptMetered', turn_id, strftime(date_day, '%Y-%m-%d'), total_tokens, cost_usd,
        source_topic, source_partition, source_offset
    from warehouse.marts.fact_llm_attempts
"""
_QUARANTINE = """
    select event_id, reason, detail, source_topic as topic, source_partition as part, source_offset as place
    from warehouse.marts.quarantine
    where is_critical
"""
"""Of a copy (`resent`, `landed_twice`) the facts have the event: it explains nothing that they lack."""
_SEEN = """
    create temp table {name} as
    select rows.* from ({layer}) as rows
    left join spans on spans.topic = rows.topic and spans.part = rows.part
    where (rows.place >= spans.low and rows.place < spans.high) {or_known}
    qualify row_number() over (partition by event_id order by rows.topic, rows.part, rows.place) = 1
"""
"""Each event once, by its first copy, inside the window."""
_SET_ASIDE = """
    create temp table quarantine_seen as
    select topics_seen.*, bad.reason, bad.detail
    from topics_seen
    join ({quarantine}) as bad on bad.topic = topics_seen.topic and bad.part = topics_seen.part
        and bad.place = topics_seen.place and coalesce(bad.event_id, topics_seen.event_id) = topics_seen.event_id
    where topics_seen.event_id not in (select event_id from facts_seen)
"""
"""By place; a topic that was made anew has other events at the same places."""
_FIT = """
    create temp table topics_fit as
    select * from topics_seen where event_id not in (select event_id from quarantine_seen)
"""
_TALLY = """
    select
        day,
        count(*),
        count(distinct case when event_type = 'TurnFinished' then turn_id end),
        count(*) filter (event_type = 'AttemptMetered'),
        coalesce(sum(tokens), 0),
        coalesce(sum(cost_usd), 0)
    from {name}
    group by day
"""
_DIFFERENT = """
    select
        coalesce(a.event_id, b.event_id), coalesce(a.event_type, b.event_type), coalesce(a.turn_id, b.turn_id),
        coalesce(a.topic, b.topic), coalesce(a.part, b.part), coalesce(a.place, b.place),
        case
            when b.event_id is null then 'missing'
            when a.event_id is null then 'too many'
            when a.day != b.day then 'on ' || b.day || ', in the topic on ' || a.day
            when a.tokens != b.tokens then b.tokens || ' tokens, in the topic ' || a.tokens
            else b.cost_usd || ' USD, in the topic ' || a.cost_usd
        end
    from {wanted} as a
    full outer join {name} as b on a.event_id = b.event_id
    where a.event_id is null or b.event_id is null or a.day != b.day or a.tokens != b.tokens
        or coalesce(a.cost_usd, 0) != coalesce(b.cost_usd, 0)
    order by 4, 5, 6
    limit {most}
"""
_NAMED = """
    select event_id, event_type, turn_id, topic, part, place, reason, coalesce(detail, '')
    from quarantine_seen
    order by 4, 5, 6
    limit {most}
"""
_MOST_NAMED = 10_000


def reconcile(
    scan: LogScan,
    window: Window,
    codec: Codec,
    zone: LandingZone,
    warehouse: Path,
    progress: Callable[[int], None],
    tell: LeftOut,
    meter: Meter | None = None,
) -> Reconciliation:
    """With the provider's meter where there is one.

    Raises ConfigurationError where there is no warehouse, Unavailable where there is no broker.
    """
    if not warehouse.exists():
        raise ConfigurationError(f"There is no warehouse at {warehouse}. Build it with `sluice warehouse`.")
    with duckdb.connect() as db:
        _attach(db, warehouse)
        db.execute("set TimeZone = 'UTC'")
        db.execute("create temp table spans (topic varchar, part integer, low bigint, high bigint)")
        if window:
            db.executemany("insert into spans values (?, ?, ?, ?)", [[*place, *span] for place, span in window.items()])
        metered: list[AttemptMetered] = []
        _load_topics(db, rows_of(scan.records(window), codec, metered), progress)
        for topic in TOPICS:
            zone.declare(catalogue()[topic])
        _see(db, "topics", "select * from topics")
        with zone.rewriting():  # else files that become a larger one are missing, or there twice
            topics = [catalogue()[topic] for topic in TOPICS]
            ask_landed(zone, topics, lambda paths: _see(db, "landing", _landing(zone, paths)), tell)
        _see(db, "facts", _FACTS, "or event_id in (select event_id from topics)")
        db.execute(_SET_ASIDE.format(quarantine=_QUARANTINE))
        db.execute(_FIT)
        differences = [*_differences(db, "landing", "topics_seen"), *_differences(db, "facts", "topics_fit")]
        quarantined = [SetAside(*row) for row in db.execute(_NAMED.format(most=_MOST_NAMED)).fetchall()]
        billing = None if meter is None else compare(metered, meter)
        return reconciliation_of(_tallies(db), differences, quarantined, billing)


def rows_of(records: Iterable[Origin], codec: Codec, ledger: list[AttemptMetered]) -> Iterator[dict[str, Any]]:
    """One row for each event that can be read; the others are the dead letters' business. `ledger` is filled."""
    for origin in records:
        try:
            event = codec.decode(origin.value)
        except Rejected:
            continue
        if not isinstance(event, TurnEvent) or type(event).__name__ not in catalogue()[origin.topic].events:
            continue
        metered = event if isinstance(event, AttemptMetered) else None
        if metered is not None:
            ledger.append(metered)
        yield {
            "event_id": event.event_id,
            "event_type": type(event).__name__,
            "turn_id": event.turn_id,
            "day": event.occurred_at.date().isoformat(),
            "tokens": metered.usage.prompt_tokens + metered.usage.completion_tokens if metered else 0,
            "cost_usd": metered.cost_usd if metered else None,
            "topic": origin.topic,
            "part": origin.partition,
            "place": origin.offset,
        }


def _load_topics(
    db: duckdb.DuckDBPyConnection, rows: Iterator[dict[str, Any]], progress: Callable[[int], None]
) -> None:
    db.register("chunk", _ROWS.empty_table())
    db.execute("create temp table topics as select * from chunk")
    done = 0
    while chunk := list(islice(rows, _CHUNK)):
        db.register("chunk", pa.Table.from_pylist(chunk, schema=_ROWS))
        db.execute("insert into topics select * from chunk")
        done += len(chunk)
        progress(done)


def _see(db: duckdb.DuckDBPyConnection, name: str, layer: str, or_known: str = "") -> None:
    db.execute(_SEEN.format(name=f"{name}_seen", layer=layer, or_known=or_known))


def _landing(zone: LandingZone, paths: Paths) -> str:
    parts = []
    for topic in TOPICS:
        columns, metered = str(zone.root / topic / "_columns.parquet"), topic == "llm-usage"
        parts.append(
            _LANDING.format(
                tokens="usage.prompt_tokens + usage.completion_tokens" if metered else "0",
                cost="cost_usd" if metered else "0",
                files=listed([columns, *paths.get(topic, ())]),
            )
        )
    return " union all ".join(parts)


def _tallies(db: duckdb.DuckDBPyConnection) -> Iterator[tuple[Layer, str, Tally]]:
    """A turn with one end that is fit and one that is not is in the facts, and not once more in quarantine."""
    topics, fit = _tally(db, "topics_seen"), _tally(db, "topics_fit")
    yield from (("topics", day, tally) for day, tally in topics.items())
    yield from (("landing", day, tally) for day, tally in _tally(db, "landing_seen").items())
    yield from (("facts", day, tally) for day, tally in _tally(db, "facts_seen").items())
    for day, tally in topics.items():
        if (aside := tally.minus(fit.get(day, Tally()))).events:
            yield "quarantine", day, aside


def _tally(db: duckdb.DuckDBPyConnection, name: str) -> dict[str, Tally]:
    """By day."""
    found = db.execute(_TALLY.format(name=name)).fetchall()
    return {
        day: Tally(events, turns, attempts, int(tokens), cost) for day, events, turns, attempts, tokens, cost in found
    }


def _differences(db: duckdb.DuckDBPyConnection, layer: Layer, wanted: str) -> list[Difference]:
    found = db.execute(_DIFFERENT.format(name=f"{layer}_seen", wanted=wanted, most=_MOST_NAMED)).fetchall()
    return [Difference(layer, *row) for row in found]


def _attach(db: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    quoted = str(warehouse).replace("'", "''")
    try:
        db.execute(f"attach '{quoted}' as warehouse (read_only)")
        db.execute(_FACTS + "limit 0")
        db.execute(_QUARANTINE + "limit 0")
    except duckdb.Error as error:
        raise ConfigurationError(f"{warehouse} is no warehouse of ours: {error}") from error
