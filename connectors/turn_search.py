"""Find what log, landing zone and warehouse hold of one turn."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb

from connectors.batching import Place
from connectors.landing_zone import LandingZone
from connectors.left_out import LeftOut, Paths, ask_landed, listed
from connectors.log_scan import LogScan
from connectors.turn_way import Record, State, TurnWay, way_of
from sluice.codec import Codec
from sluice.errors import ConfigurationError, Rejected
from sluice.events import EVENT_TYPES, TurnEvent
from sluice.partitioning import partition_for
from sluice.topics import DEAD_LETTER_SUFFIX, catalogue

_FACTS = ("fact_chat_events", "fact_llm_attempts")
_LANDED = """
    select filename, min(session_id), min({state})
    from read_parquet({files}, union_by_name = true, hive_partitioning = false, filename = true)
    where turn_id = ?
    group by filename
"""


def find_turn(
    turn_id: str,
    scan: LogScan,
    codec: Codec,
    zone: LandingZone,
    warehouse: Path,
    progress: Callable[[int], None],
    tell: LeftOut,
) -> TurnWay | None:
    """None where nobody knows the turn. Raises Unavailable where there is no broker."""
    landed, session_id, state = _landed(turn_id, zone, tell)
    way = way_of(turn_id, _records(turn_id, session_id, scan, codec, progress))
    if not way.records:
        if not landed:
            return None
        way = replace(way, session_id=session_id, state=state or "running")
    return replace(way, landed=landed, warehouse=_rows(turn_id, warehouse))


def session_topics() -> list[str]:
    """Topics keyed by session: a turn's records lie in one and the same partition of each."""
    return [
        topic.name
        for topic in catalogue().values()
        if not topic.name.endswith(DEAD_LETTER_SUFFIX)
        and all(issubclass(EVENT_TYPES[name], TurnEvent) for name in topic.events)
    ]


def _records(
    turn_id: str, session_id: str | None, scan: LogScan, codec: Codec, progress: Callable[[int], None]
) -> Iterator[Record]:
    wanted = turn_id.encode()
    places = [
        Place(topic, number)
        for topic, count in scan.partitions(session_topics()).items()
        for number in ([partition_for(session_id, count)] if session_id else range(count))
    ]
    for seen, origin in enumerate(scan.records(scan.window(places))):
        progress(seen)
        if wanted not in (origin.value or b""):  # decoding costs a hundred times as much
            continue
        try:
            event = codec.decode(origin.value)
        except Rejected:
            continue
        if isinstance(event, TurnEvent) and event.turn_id == turn_id:  # others may hold it in their history
            yield Record(origin.topic, origin.partition, origin.offset, event)


def _landed(turn_id: str, zone: LandingZone, tell: LeftOut) -> tuple[tuple[str, ...], str | None, State | None]:
    if not zone.root.is_dir():
        return (), None, None
    topics = [catalogue()[name] for name in session_topics()]
    with duckdb.connect() as db, zone.rewriting():
        rows = ask_landed(zone, topics, partial(_rows_of, turn_id, db), tell)
    sessions, states = [row[1] for row in rows], [row[2] for row in rows if row[2]]
    return tuple(sorted(row[0] for row in rows)), next(iter(sessions), None), next(iter(states), None)


def _rows_of(turn_id: str, db: duckdb.DuckDBPyConnection, paths: Paths) -> list[tuple[str, str, State | None]]:
    found = []
    for topic, files in paths.items():
        query = _LANDED.format(files=listed(files), state="state" if topic == "chat-turns" else "null::varchar")
        found += db.execute(query, [turn_id]).fetchall()
    return found


def _rows(turn_id: str, warehouse: Path) -> dict[str, int]:
    if not warehouse.exists():
        return {}
    counts = {}
    try:
        with duckdb.connect(str(warehouse), read_only=True) as db:
            for model in _FACTS:
                found = db.execute(f"select count(*) from marts.{model} where turn_id = ?", [turn_id]).fetchone()  # nosec B608  # noqa: S608
                counts[model] = int(found[0]) if found else 0
    except duckdb.Error as error:
        raise ConfigurationError(f"{warehouse} is no warehouse of ours: {error}") from error
    return counts
