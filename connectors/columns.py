"""The columns of landed files, made from the Avro schemas. Sealed fields are left out: they are never landed.

A topic with several event types has the union of their columns, null where a type has no such field.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa

from sluice.errors import ConfigurationError
from sluice.events import Event
from sluice.schemas import schema_of, sealed_fields
from sluice.topics import Topic

Fields = dict[str, Any]

_INSTANT = pa.timestamp("us", tz="UTC")
_ORIGIN = (
    ("_event", pa.string()),
    ("_topic", pa.string()),
    ("_partition", pa.int32()),
    ("_offset", pa.int64()),
    ("_timestamp", _INSTANT),
)
_PRIMITIVES = {
    "string": pa.string(),
    "bytes": pa.binary(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
}


def columns_of(topic: Topic) -> Any:
    """The `pyarrow.Schema` of a topic's files.

    Raises ConfigurationError where two event types of the topic give one name two types.
    """
    found: dict[str, Any] = {}
    for event_name in topic.events:
        known: dict[str, Any] = {}
        sealed = sealed_fields(event_name)
        for field in schema_of(event_name)["fields"]:
            column, column_type = field["name"], arrow_type(field["type"], known)
            if column in sealed:
                continue
            if found.setdefault(column, column_type) != column_type:
                raise ConfigurationError(f"{topic.name}: {column} of {event_name} has another type than elsewhere.")
    return pa.schema([*found.items(), *_ORIGIN])


def arrow_type(avro: Any, known: dict[str, Any]) -> Any:
    """The `pyarrow.DataType` of an Avro type. `known` gathers named types, which later fields may only name."""
    if isinstance(avro, list):
        others = [branch for branch in avro if branch != "null"]
        if len(others) != 1:
            raise ConfigurationError(f"A union of several types cannot be landed: {avro}.")
        return arrow_type(others[0], known)
    if isinstance(avro, str):
        return _PRIMITIVES[avro] if avro in _PRIMITIVES else known[avro.rpartition(".")[2]]
    made = _logical_type(avro) or _nested_type(avro, known)
    if "name" in avro:
        known[avro["name"]] = made
    return made


def _logical_type(avro: dict[str, Any]) -> Any:
    match avro:
        case {"logicalType": "timestamp-micros"}:
            return _INSTANT
        case {"logicalType": "decimal", "precision": precision, "scale": scale}:
            return pa.decimal128(precision, scale)
        case {"logicalType": unknown}:
            raise ConfigurationError(f"The logical type {unknown} cannot be landed.")
    return None


def _nested_type(avro: dict[str, Any], known: dict[str, Any]) -> Any:
    match avro:
        case {"type": "array", "items": items}:
            return pa.list_(arrow_type(items, known))
        case {"type": "map", "values": values}:
            return pa.map_(pa.string(), arrow_type(values, known))
        case {"type": "enum"}:
            return pa.string()
        case {"type": "record", "fields": fields}:
            return pa.struct([(field["name"], arrow_type(field["type"], known)) for field in fields])
        case _:
            return arrow_type(avro["type"], known)


def fields_of(event: Event) -> Fields:
    """The event's fields without the sealed ones, as pyarrow takes them."""
    name = type(event).__name__
    sealed = sealed_fields(name)
    plain: Fields = msgspec.to_builtins(event, builtin_types=(bytes, datetime, Decimal))
    landed = {field: value for field, value in plain.items() if field not in sealed}
    for field in landed:
        value = getattr(event, field)
        if isinstance(value, dict):  # pyarrow wants a map as pairs
            landed[field] = list(value.items())
    return landed | {"_event": name}
