"""The Avro schemas of all events, read from `avro/schemas/`."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException

from sluice.errors import ConfigurationError
from sluice.events import EVENT_TYPES
from sluice.paths import data_folder

Schema = dict[str, Any]
NAMESPACE = "sluice.v1"


@cache
def schema_of(event_name: str) -> Schema:
    """The newest schema of an event.

    Raises ConfigurationError where there is none, or no Avro record in its file.
    """
    return _read(data_folder("avro") / "schemas" / f"{event_name}.avsc")


def _read(path: Path) -> Schema:
    try:
        schema: Schema = json.loads(path.read_text())
        fastavro.parse_schema(schema)
        [*schema["fields"]]
    except FileNotFoundError:
        raise ConfigurationError(f"There is no schema at {path}.") from None
    except (ValueError, TypeError, KeyError, SchemaParseException) as error:
        raise ConfigurationError(
            f"The schema {path} is no Avro record ({type(error).__name__}: {error}). "
            "Mend it, or restore it from version control."
        ) from error
    return schema


def all_schemas() -> dict[str, Schema]:
    """Event name to schema, in the order of the event list."""
    return {name: schema_of(name) for name in EVENT_TYPES}


def canonical(schema: Schema) -> str:
    """The schema as one line of JSON with sorted keys: what a schema id stands for."""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"))


def sealed_fields(event_name: str) -> frozenset[str]:
    """Fields that hold personal text under a key. Connectors drop them."""
    return frozenset(field["name"] for field in schema_of(event_name)["fields"] if field.get("pii") == "sealed")
