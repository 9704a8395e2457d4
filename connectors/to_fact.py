"""How long events were on their way into the facts."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import duckdb

Ends = Mapping[tuple[str, int], int]
"""The last offset of each topic and partition that is in the facts."""

_ENDS = """
    select source_topic, source_partition, max(source_offset) from marts.fact_chat_events group by all
"""
_NEW = """
    select epoch(cast(? as timestamptz)) - epoch(facts.logged_at)
    from marts.fact_chat_events as facts
    left join seen on facts.source_topic = seen.topic and facts.source_partition = seen.part
    where facts.source_offset > coalesce(seen.place, -1)
"""


def seconds_to_fact(warehouse: Path, seen: Ends, now: datetime) -> tuple[Ends, list[float]]:
    """Where the facts end now, and the age of each event that was not in them before, from its place on the log on."""
    with duckdb.connect() as db:
        db.execute(f"attach '{str(warehouse).replace(chr(39), chr(39) * 2)}' as house (read_only)")
        db.execute("use house")
        db.execute("create temp table seen (topic varchar, part integer, place bigint)")
        if seen:
            db.executemany("insert into seen values (?, ?, ?)", [[*place, end] for place, end in seen.items()])
        ends = {(topic, part): place for topic, part, place in db.execute(_ENDS).fetchall()}
        return ends, [max(0.0, age) for (age,) in db.execute(_NEW, [now]).fetchall()] if seen else []
