"""The columns of landed files, made from the Avro schemas. Sealed fields are left out: they are never landed.

A topic with several event types has the union of their columns, null where a type has no such field.
"""

from functools import cache
from typing import Any

import pyarrow as pa

from sluice.errors import ConfigurationError
from sluice.schemas import schema_of, sealed_fields
from sluice.topics import Topic

Fields = dict[str, Any]

_INSTANT = pa.timestamp("us", tz="UTC")
_ORIGIN = (
    ("_event", pa.string()),
    ("_landed_at", _INSTANT),
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


def landed_fields(name: str, fields: Fields) -> Fields:
    """Of an event of that name, as the codec reads them: without the sealed ones, as pyarrow takes them. In place."""
    sealed, maps = _special(name)
    for field in sealed:
        del fields[field]
    for field in maps:
        if fields[field] is not None:  # pyarrow wants a map as pairs
            fields[field] = list(fields[field].items())
    fields["_event"] = name
    return fields


@cache
def _special(name: str) -> tuple[frozenset[str], tuple[str, ...]]:
    sealed = sealed_fields(name)
    fields = (field for field in schema_of(name)["fields"] if field["name"] not in sealed)
    return sealed, tuple(field["name"] for field in fields if _is_map(field["type"]))


def _is_map(avro: Any) -> bool:
    if isinstance(avro, list):
        return any(map(_is_map, avro))
    return isinstance(avro, dict) and avro["type"] == "map"
