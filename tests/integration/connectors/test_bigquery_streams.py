"""What the sink relies on, of the emulator and of the double alike."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from google.cloud.bigquery import Table

from connectors.batching import Place
from connectors.bigquery.client import GoogleBigQuery, connected
from connectors.bigquery.ports import BigQuery, StreamGone, TableGone
from connectors.bigquery.tables import ORIGIN, fields_of, origin, sent
from connectors.connect.tables import landed_tables
from sluice.errors import ConfigurationError
from tests.bigquery.emulator import DATASET, PROJECT, Emulator, running
from tests.doubles import NOON
from tests.ports import free_ports
from tests.unit.connectors.bigquery.doubles import MemoryBigQuery

CLUSTER = "5L6g3nShTxeMCtKxX86sw1"
COLUMNS = next(table.columns for table in landed_tables() if table.name == "llm_usage")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("bigquery"), *free_ports(2)) as started:
        yield started


@pytest.fixture
def google(emulator: Emulator) -> GoogleBigQuery:
    at = (f"127.0.0.1:{emulator.rest_port}", f"127.0.0.1:{emulator.grpc_port}")
    return connected(PROJECT, DATASET, at, lambda: None)


@pytest.fixture(params=["emulator", "memory"])
def bigquery(request: pytest.FixtureRequest) -> BigQuery:
    found: BigQuery = MemoryBigQuery() if request.param == "memory" else request.getfixturevalue("google")
    return found


@pytest.fixture
def table(request: pytest.FixtureRequest, bigquery: BigQuery) -> str:
    name = request.node.name.partition("[")[0]
    bigquery.prepare(name, COLUMNS, CLUSTER)
    return str(name)


def rows(*offsets: int, partition: int = 0) -> pa.RecordBatch:
    empty = dict.fromkeys(COLUMNS.names)
    made = {"_topic": "llm-usage", "_partition": partition, "occurred_at": NOON}
    return sent(pa.Table.from_pylist([empty | made | {"_offset": offset} for offset in offsets], schema=COLUMNS))


def test_rows_are_there_once_whatever_is_repeated(bigquery: BigQuery, table: str) -> None:
    stream = bigquery.create_stream(table)
    for _ in range(2):
        bigquery.append(table, stream, 0, rows(4, 5))
        bigquery.append(table, stream, 2, rows(9))
    bigquery.append(table, stream, 0, rows(4, 5))
    assert bigquery.last_offsets(table) == {Place("llm-usage", 0): 9}
    assert bigquery.finish(table, stream) == 3


def test_a_gap_is_refused(bigquery: BigQuery, table: str) -> None:
    stream = bigquery.create_stream(table)
    with pytest.raises(ConfigurationError, match="bigquery_stream_gap"):
        bigquery.append(table, stream, 1, rows(4))
    assert bigquery.last_offsets(table) == {}


def test_a_finished_stream_keeps_its_length_and_takes_nothing(bigquery: BigQuery, table: str) -> None:
    stream = bigquery.create_stream(table)
    bigquery.append(table, stream, 0, rows(4))
    assert [bigquery.finish(table, stream), bigquery.finish(table, stream)] == [1, 1]
    for offset in (0, 1):
        with pytest.raises(StreamGone):
            bigquery.append(table, stream, offset, rows(5))
    assert bigquery.finish(table, stream) == 1


def test_a_stream_that_is_not_known_takes_nothing(bigquery: BigQuery, table: str) -> None:
    assert bigquery.finish(table, "0123456789abcdef") is None
    with pytest.raises(StreamGone):
        bigquery.append(table, "0123456789abcdef", 0, rows(5))


def test_a_table_that_is_not_there_is_told_from_one_that_is_away(bigquery: BigQuery) -> None:
    with pytest.raises(TableGone):
        bigquery.create_stream("never_made")
    with pytest.raises(TableGone):
        bigquery.last_offsets("never_made")


def test_partitions_are_told_apart(bigquery: BigQuery, table: str) -> None:
    for partition, offset in ((0, 3), (1, 8)):
        bigquery.append(table, bigquery.create_stream(table), 0, rows(offset, partition=partition))
    assert bigquery.last_offsets(table) == {Place("llm-usage", 0): 3, Place("llm-usage", 1): 8}


def test_a_table_is_made_once_and_grows(google: GoogleBigQuery, emulator: Emulator) -> None:
    few = pa.schema([field for field in COLUMNS if field.name not in ("usage", "cost_usd", "model")])
    made = google.prepare("grows", few, CLUSTER)
    google.append("grows", google.create_stream("grows"), 0, rows(1).select(few.names))
    assert google.prepare("grows", COLUMNS, CLUSTER) == made
    assert google.prepare("grows", few, CLUSTER) == made  # an older sink takes nothing away
    google.append("grows", google.create_stream("grows"), 0, rows(2))
    there = emulator.client.get_table(f"{PROJECT}.{DATASET}.grows", retry=None, timeout=20)
    assert {field.name for field in there.schema} == set(COLUMNS.names)
    found = emulator.query(f"select _offset, usage, model from `{PROJECT}.{DATASET}.grows` order by _offset")
    assert [row["_offset"] for row in found] == [1, 2]


def test_a_column_of_another_type_stays_as_it_is(google: GoogleBigQuery) -> None:
    google.prepare("typed", pa.schema([("occurred_at", pa.timestamp("us", tz="UTC")), ("model", pa.int64())]), CLUSTER)
    with pytest.raises(ConfigurationError, match=r"bigquery_column_type.*has model as NULLABLE INTEGER"):
        google.prepare("typed", COLUMNS, CLUSTER)


@pytest.mark.parametrize("filled", [False, True])
def test_a_table_is_of_the_cluster_that_made_it(bigquery: BigQuery, filled: bool) -> None:
    name = f"claimed_{filled}"
    made = bigquery.prepare(name, COLUMNS, CLUSTER)
    if filled:
        bigquery.append(name, bigquery.create_stream(name), 0, rows(4))
    with pytest.raises(ConfigurationError, match=r"bigquery_other_log.* is of another Kafka cluster .*move the tables"):
        bigquery.prepare(name, COLUMNS, CLUSTER.lower())
    assert bigquery.prepare(name, COLUMNS, CLUSTER) == made


def test_a_table_without_a_label_is_taken_while_it_is_empty(google: GoogleBigQuery, emulator: Emulator) -> None:
    for name in ("empty", "filled"):
        whole = f"{PROJECT}.{DATASET}.{name}"
        emulator.client.create_table(Table(whole, schema=fields_of(COLUMNS)), retry=None, timeout=20)
    google.append("filled", google.create_stream("filled"), 0, rows(1))
    google.prepare("empty", COLUMNS, CLUSTER)
    with pytest.raises(ConfigurationError, match=r"bigquery_other_log.* is of another"):
        google.prepare("empty", COLUMNS, "other")
    label = f"{ORIGIN}:{origin(CLUSTER)}"
    with pytest.raises(ConfigurationError, match=rf"does not say .*{label} {PROJECT}:{DATASET}\.filled; else"):
        google.prepare("filled", COLUMNS, CLUSTER)
    there = emulator.client.get_table(whole, retry=None, timeout=20)
    there.labels = {ORIGIN: origin(CLUSTER)}
    emulator.client.update_table(there, ["labels"], retry=None, timeout=20)
    google.prepare("filled", COLUMNS, CLUSTER)


def test_a_dataset_that_is_missing_is_not_made(emulator: Emulator) -> None:
    at: Any = (f"127.0.0.1:{emulator.rest_port}", f"127.0.0.1:{emulator.grpc_port}")
    with pytest.raises(ConfigurationError, match=r"bigquery_dataset_missing.*--location=EU mk --dataset"):
        connected(PROJECT, "nowhere", at, lambda: None).prepare("any", COLUMNS, CLUSTER)
