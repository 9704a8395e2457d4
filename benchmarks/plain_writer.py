"""What the landing sink is measured against: `python -m benchmarks.plain_writer SERVERS FOLDER`.

Reads the backlog, decodes by fastavro with the writer's schema, and writes Parquet: no check, no order by event date,
no dead letters, no commit, nothing that outlives a kill.
"""

import io
import sys
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Consumer, TopicPartition

from connectors.columns import columns_of
from connectors.landing import landed_topics
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import consumer_config
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds

_ROWS = 50_000
_HEADER_BYTES = 5


def main() -> None:
    """Ends at the end of the backlog."""
    servers, folder = sys.argv[1], Path(sys.argv[2])
    topics = {topic.name: topic for topic in landed_topics()}
    columns = {name: columns_of(topic) for name, topic in topics.items()}
    ids = LockFileIds(data_folder("avro") / "schema-ids.lock.json")
    schemas: dict[bytes, Any] = {}
    ends = KafkaAdmin(servers).ends({name: topic.partitions for name, topic in topics.items()})
    left = sum(ends.values())
    consumer = Consumer(consumer_config(servers, "plain", "plain"))
    consumer.assign([TopicPartition(*place, 0) for place in ends])
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in topics}
    files = 0
    while left:
        for message in consumer.consume(10_000, 1.0):
            value, name = message.value() or b"", message.topic() or ""
            head = value[:_HEADER_BYTES]
            if head not in schemas:
                schemas[head] = fastavro.parse_schema(ids.schema_for(int.from_bytes(head[1:], "big")))
            row: Any = fastavro.schemaless_reader(io.BytesIO(value[_HEADER_BYTES:]), schemas[head], None)
            row |= {"_topic": name, "_partition": message.partition(), "_offset": message.offset()}
            rows[name].append(row)
            left -= 1
            if len(rows[name]) >= _ROWS:
                files += 1
                _write(folder / f"{name}-{files}.parquet", rows[name], columns[name])
    for name, waiting in rows.items():
        if waiting:
            _write(folder / f"{name}-last.parquet", waiting, columns[name])
    consumer.close()


def _write(path: Path, rows: list[dict[str, Any]], columns: Any) -> None:
    pq.write_table(pa.Table.from_pylist(rows, schema=columns), path, compression="zstd")
    rows.clear()


if __name__ == "__main__":
    main()
