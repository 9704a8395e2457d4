"""A BigQuery in memory, which keeps the rules of committed streams, and can be told to fail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from connectors.batching import Place
from connectors.bigquery.ports import RowsRefused, StreamGone, TableGone
from connectors.bigquery.tables import origin, other_log
from sluice.errors import ConfigurationError


@dataclass
class _Stream:
    table: str
    length: int = 0
    finished: bool = False


@dataclass
class MemoryBigQuery:
    """`trouble` is asked before and after each append and may raise; `refuses` names rows that are not taken."""

    now_ms: int = 1_000
    made: dict[str, int] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    streams: dict[str, _Stream] = field(default_factory=dict)
    trouble: Callable[[str], object] = lambda _when: None
    refuses: Callable[[dict[str, Any]], bool] = lambda _row: False
    asked: int = 0
    clusters: dict[str, str] = field(default_factory=dict)

    def prepare(self, table: str, columns: pa.Schema, cluster: str) -> int:
        if table not in self.tables:
            self.tables[table], self.made[table] = [], self.now_ms
        if self.clusters.setdefault(table, cluster) != cluster:
            raise other_log(table, cluster, origin(self.clusters[table]))
        return self.made[table]

    def drop(self, table: str) -> None:
        """With all its streams, after a millisecond."""
        del self.tables[table], self.clusters[table]
        self.streams = {name: stream for name, stream in self.streams.items() if stream.table != table}
        self.now_ms += 1

    def create_stream(self, table: str) -> str:
        if table not in self.tables:
            raise TableGone(table)
        name = f"s{len(self.streams) + 1}"
        self.streams[name] = _Stream(table)
        return name

    def append(self, table: str, stream: str, offset: int, rows: pa.RecordBatch) -> None:
        self.trouble("before")
        known = self.streams.get(stream)
        if known is None or known.finished:
            raise StreamGone(stream)
        if offset > known.length:
            raise ConfigurationError("bigquery_stream_gap")
        if offset == known.length:
            listed = rows.to_pylist()
            refused = {index: "no" for index, row in enumerate(listed) if self.refuses(row)}
            if refused:
                raise RowsRefused(refused)
            self.tables[table] += listed
            known.length += rows.num_rows
        self.trouble("after")

    def finish(self, table: str, stream: str) -> int | None:
        known = self.streams.get(stream)
        if known is None or known.table != table:
            return None
        known.finished = True
        return known.length

    def last_offsets(self, table: str) -> Mapping[Place, int]:
        if table not in self.tables:
            raise TableGone(table)
        self.asked += 1
        found: dict[Place, int] = {}
        for row in self.tables[table]:
            place = Place(row["_topic"], row["_partition"])
            found[place] = max(found.get(place, -1), row["_offset"])
        return found
