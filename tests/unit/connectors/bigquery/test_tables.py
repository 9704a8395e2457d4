"""Columns of tables and rows as they are sent."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from google.cloud.bigquery import SchemaField

from connectors.bigquery.tables import ORIGIN, fields_of, first_part, grown, origin, sent, table_with
from connectors.connect.tables import landed_tables
from sluice.errors import ConfigurationError
from sluice.stores import keep
from tests.doubles import NOON

COLUMNS = pa.schema(
    [
        ("name", pa.string()),
        ("small", pa.int32()),
        ("real", pa.float32()),
        ("yes", pa.bool_()),
        ("raw", pa.binary()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("money", pa.decimal128(20, 10)),
        ("usage", pa.struct([("tokens", pa.int32()), ("estimated", pa.bool_())])),
        ("types", pa.map_(pa.string(), pa.int32())),
        ("hops", pa.list_(pa.struct([("stage", pa.string())]))),
        ("names", pa.list_(pa.string())),
    ]
)


def shape(fields: Any) -> list[tuple[Any, ...]]:
    return [(f.name, f.field_type, f.mode, *([shape(f.fields)] if f.fields else [])) for f in fields]


def test_columns_have_bigquerys_types() -> None:
    assert shape(fields_of(COLUMNS)) == [
        ("name", "STRING", "NULLABLE"),
        ("small", "INTEGER", "NULLABLE"),
        ("real", "FLOAT", "NULLABLE"),
        ("yes", "BOOLEAN", "NULLABLE"),
        ("raw", "BYTES", "NULLABLE"),
        ("at", "TIMESTAMP", "NULLABLE"),
        ("money", "BIGNUMERIC", "NULLABLE"),
        ("usage", "RECORD", "NULLABLE", [("tokens", "INTEGER", "NULLABLE"), ("estimated", "BOOLEAN", "NULLABLE")]),
        ("types", "RECORD", "REPEATED", [("key", "STRING", "NULLABLE"), ("value", "INTEGER", "NULLABLE")]),
        ("hops", "RECORD", "REPEATED", [("stage", "STRING", "NULLABLE")]),
        ("names", "STRING", "REPEATED"),
    ]


def test_every_landed_table_can_be_one_of_bigquery() -> None:
    for landed in landed_tables():
        table = table_with(f"p.d.{landed.name}", landed.columns, "k")
        assert [field.name for field in table.schema] == landed.columns.names
        assert table.time_partitioning.field == "occurred_at"
        assert table.labels == {ORIGIN: origin("k")}
        assert timedelta(milliseconds=table.time_partitioning.expiration_ms) == keep("landing")


def test_a_cluster_has_a_label_of_its_own() -> None:
    """Kafka tells ids apart by capitals, which a label's value has not: 63 of [a-z0-9_-] at most."""
    assert origin("kZ8") != origin("kz8")
    assert re.fullmatch("[a-z0-9_-]{1,63}", origin("5L6g3nShT-eMCtK--X86sw"))


def test_rows_are_sent_in_those_types() -> None:
    row = {
        "name": "a",
        "small": 1,
        "real": 0.5,
        "yes": True,
        "raw": b"x",
        "at": NOON,
        "money": Decimal("1.2500000000"),
        "usage": {"tokens": 3, "estimated": False},
        "types": [("EMAIL", 2)],
        "hops": [{"stage": "accept"}],
        "names": ["n"],
    }
    batch = sent(pa.Table.from_pylist([row, dict.fromkeys(row)], schema=COLUMNS))
    first, empty = batch.to_pylist()
    assert first == row | {"types": [{"key": "EMAIL", "value": 2}]}
    assert empty == dict.fromkeys(row) | {"types": [], "hops": [], "names": []}
    assert batch.schema.field("money").type == pa.decimal256(76, 38)
    assert batch.schema.field("small").type == pa.int64()
    assert batch.schema.field("usage").type.field("tokens").type == pa.int64()


def test_a_table_only_grows() -> None:
    there = [
        SchemaField("Name", "STRING", description="own"),
        SchemaField("usage", "RECORD", fields=[SchemaField("tokens", "INTEGER")]),
        SchemaField("old", "DATE"),
    ]
    merged = grown("t", there, fields_of(COLUMNS))
    names = [field.name for field in merged]
    assert names[:3] == ["Name", "usage", "old"]
    assert set(names[3:]) == set(COLUMNS.names) - {"name", "usage"}
    assert merged[0] == there[0]
    assert [field.name for field in merged[1].fields] == ["tokens", "estimated"]
    assert grown("t", merged, fields_of(COLUMNS)) == merged


@pytest.mark.parametrize(
    ("there", "where"),
    [
        (SchemaField("small", "STRING"), "t has small as NULLABLE STRING"),
        (SchemaField("names", "STRING"), "t has names as NULLABLE STRING"),
        (SchemaField("usage", "RECORD", fields=[SchemaField("tokens", "FLOAT")]), r"t\.usage has tokens"),
    ],
)
def test_a_column_of_another_type_is_refused(there: SchemaField, where: str) -> None:
    with pytest.raises(ConfigurationError, match=f"bigquery_column_type: {where}.*Rename that column"):
        grown("t", [there], fields_of(COLUMNS))


def test_an_append_holds_what_fits() -> None:
    rows = sent(pa.table({"name": ["x" * 1000] * 100}))
    assert 1 <= first_part(rows, 30_000).num_rows <= 29
    assert first_part(rows).num_rows == 100
    assert first_part(rows, 1).num_rows == 1
