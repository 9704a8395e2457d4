"""The columns of tables, and rows as the Storage Write API takes them. Pure.

Tables are partitioned by the day on which an event happened, and BigQuery lets go of days that are older than the
landing zone keeps. Types: cloud.google.com/bigquery/docs/supported-data-types, the part about Apache Arrow.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from google.cloud.bigquery import SchemaField, Table, TimePartitioning

from sluice.errors import ConfigurationError
from sluice.stores import keep

_DAY_MS = 86_400_000
_BIGNUMERIC = pa.decimal256(76, 38)
LARGEST_BYTES = 8_000_000
"""Of the rows of one append; a request may have 10 MB."""
ORIGIN = "sluice_kafka"
"""The label of a table that says of which Kafka cluster its rows are."""


def table_with(name: str, columns: pa.Schema, cluster: str) -> Table:
    """As it is made. `name` is whole: project, dataset, table."""
    table = Table(name, schema=fields_of(columns))
    table.labels = {ORIGIN: origin(cluster)}
    kept = keep("landing").days * _DAY_MS
    table.time_partitioning = TimePartitioning(field="occurred_at", expiration_ms=kept)
    return table


def origin(cluster: str) -> str:
    """A cluster's id as a label's value, which knows no capitals: two ids never have the same one."""
    return hashlib.sha256(cluster.encode()).hexdigest()[:40]


def other_log(table: str, cluster: str, found: str | None) -> ConfigurationError:
    """`found` is its label; none where it has rows and no label."""
    ours = f"{ORIGIN}:{origin(cluster)}"
    if found is None:
        whose = "does not say of which Kafka cluster its rows are"
        at = "{}:{}.{}".format(*table.rsplit(".", 2))
        remedy = f"Only if all are of this one ({cluster}): bq update --set_label {ours} {at}; else"
    else:
        whose = f"is of another Kafka cluster (its label is {ORIGIN}:{found}, this one's {ours})"
        remedy = "The same offsets mean other records:"
    return ConfigurationError(
        f"bigquery_other_log: {table} {whose}. Nothing was written. {remedy} set SLUICE_BIGQUERY_LANDING to another "
        "dataset, or move the tables of this one away: new ones are filled from what the log holds."
    )


def fields_of(columns: pa.Schema) -> list[SchemaField]:
    """All nullable, so that a column can be added at any time."""
    return [_field(column.name, column.type) for column in columns]


def _field(name: str, kind: pa.DataType) -> SchemaField:
    if pa.types.is_map(kind):
        entry = [_field("key", kind.key_type), _field("value", kind.item_type)]
        return SchemaField(name, "RECORD", "REPEATED", fields=entry)
    if pa.types.is_list(kind):
        inner = _field(name, kind.value_type)
        return SchemaField(name, inner.field_type, "REPEATED", fields=inner.fields)
    if pa.types.is_struct(kind):
        return SchemaField(name, "RECORD", fields=[_field(part.name, part.type) for part in kind])
    return SchemaField(name, _scalar(kind))


def _scalar(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return "BIGNUMERIC"  # money has ten places, NUMERIC nine
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP"
    if pa.types.is_integer(kind):
        return "INTEGER"
    if pa.types.is_floating(kind):
        return "FLOAT"
    if pa.types.is_boolean(kind):
        return "BOOLEAN"
    return "BYTES" if pa.types.is_binary(kind) else "STRING"


def grown(table: str, there: Sequence[SchemaField], wanted: Sequence[SchemaField]) -> list[SchemaField]:
    """What a table has with what it lacks, also within records. Columns that nobody fills any more stay.

    Raises ConfigurationError where a column is of another type.
    """
    missing = {field.name.lower(): field for field in wanted}
    merged = []
    for field in there:
        other = missing.pop(field.name.lower(), None)
        merged.append(field if other is None else _merged(table, field, other))
    return [*merged, *missing.values()]


def _merged(table: str, there: SchemaField, wanted: SchemaField) -> SchemaField:
    if (there.field_type, there.mode) != (wanted.field_type, wanted.mode):
        raise ConfigurationError(
            f"bigquery_column_type: {table} has {there.name} as {there.mode} {there.field_type}, and rows bring "
            f"{wanted.mode} {wanted.field_type}. A sink only adds columns. Rename that column in the table, or move "
            "the table away: a new one is filled from what the log still holds."
        )
    if there.field_type != "RECORD":
        return there
    inner = grown(f"{table}.{there.name}", there.fields, wanted.fields)
    return SchemaField(there.name, "RECORD", there.mode, description=there.description, fields=inner)


def sent(table: pa.Table) -> pa.RecordBatch:
    """Rows in BigQuery's types. A list that is null is an empty one: a repeated column knows no other."""
    columns = []
    for column in table.columns:
        values = column.combine_chunks()
        cast = values.cast(_sent_type(values.type))
        columns.append(_without_null_lists(cast))
    return pa.record_batch(columns, names=table.column_names)


def _sent_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_map(kind):
        return pa.list_(pa.struct([("key", _sent_type(kind.key_type)), ("value", _sent_type(kind.item_type))]))
    if pa.types.is_list(kind):
        return pa.list_(_sent_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(part.name, _sent_type(part.type)) for part in kind])
    if pa.types.is_decimal(kind):
        return _BIGNUMERIC
    if pa.types.is_integer(kind):
        return pa.int64()
    return pa.float64() if pa.types.is_floating(kind) else kind


def _without_null_lists(values: Any) -> Any:
    if pa.types.is_list(values.type) and values.null_count:
        return pa.ListArray.from_arrays(values.offsets, values.values)
    return values


def first_part(rows: pa.RecordBatch, largest: int = LARGEST_BYTES) -> pa.RecordBatch:
    """As many rows from the front as fit an append, one at the least."""
    count = rows.num_rows
    while count > 1 and rows.slice(0, count).nbytes > largest:
        count = max(1, count // 2)
    return rows.slice(0, count)
