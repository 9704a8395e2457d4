"""Which number stands for which schema on the wire.

The port is `SchemaIds`; the committed lock file needs no server, the registry adapter speaks the Confluent API.
One contract suite runs over both.
"""

import json
from pathlib import Path
from typing import Protocol

from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from sluice.errors import ConfigurationError, Rejected, RejectReason, Unavailable
from sluice.schemas import NAMESPACE, Schema, all_schemas, canonical, schema_of

_NOT_FOUND = 404


class SchemaIds(Protocol):
    """Both ways between a schema and its number."""

    def id_of(self, event_name: str) -> int:
        """The number to write. Raises ConfigurationError where the schema has none."""
        ...

    def schema_for(self, schema_id: int) -> Schema:
        """The writer's schema. Raises Rejected(unknown_schema) or Unavailable."""
        ...


class LockFileIds:
    """Numbers from a committed file: the same on every machine, no server.

    The file holds every schema ever released, oldest first:
    `{"schemas": [{"id": 1, "event": "ChatRequested", "schema": {...}}, ...]}`.
    """

    def __init__(self, path: Path) -> None:
        try:
            entries = json.loads(path.read_text())["schemas"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"The schema lock file {path} cannot be read ({type(error).__name__}). Restore it from version control."
            ) from error
        self._by_id: dict[int, Schema] = {entry["id"]: entry["schema"] for entry in entries}
        self._by_schema = {canonical(entry["schema"]): int(entry["id"]) for entry in entries}

    def id_of(self, event_name: str) -> int:
        """The number in the file."""
        try:
            return self._by_schema[canonical(schema_of(event_name))]
        except KeyError:
            raise ConfigurationError(
                f"The schema of {event_name} is not in the lock file. Run `sluice schemas lock` and commit the result."
            ) from None

    def schema_for(self, schema_id: int) -> Schema:
        """The schema in the file."""
        try:
            return self._by_id[schema_id]
        except KeyError:
            raise Rejected(RejectReason.UNKNOWN_SCHEMA, f"schema id {schema_id}") from None


def lock(path: Path) -> list[str]:
    """Add schemas that have no number yet. Gives their event names; numbers once given never change."""
    entries = json.loads(path.read_text())["schemas"] if path.exists() else []
    known = {canonical(entry["schema"]) for entry in entries}
    added = []
    for name, schema in all_schemas().items():
        if canonical(schema) not in known:
            entries.append({"id": len(entries) + 1, "event": name, "schema": schema})
            added.append(name)
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    path.write_text(f'{{"schemas": [\n{lines}\n]}}\n')
    return added


class RegistryIds:
    """Numbers from a Confluent-compatible registry; subjects are named after the record (RecordNameStrategy)."""

    def __init__(self, url: str) -> None:
        self._client = SchemaRegistryClient({"url": url, "max.retries": 2, "timeout": 5.0})
        self._ids: dict[str, int] = {}
        self._schemas: dict[int, Schema] = {}

    def id_of(self, event_name: str) -> int:
        """Register the schema if it is new and give its number."""
        if event_name not in self._ids:
            schema = RegistrySchema(canonical(schema_of(event_name)), "AVRO")
            try:
                self._ids[event_name] = self._client.register_schema(f"{NAMESPACE}.{event_name}", schema)
            except SchemaRegistryError as error:
                raise ConfigurationError(
                    f"The registry refused the schema of {event_name} ({error.http_status_code})."
                ) from error
            except Exception as error:
                raise Unavailable(f"schema registry: {type(error).__name__}") from error
        return self._ids[event_name]

    def schema_for(self, schema_id: int) -> Schema:
        """Ask once, then remember: a number never changes its meaning."""
        if schema_id not in self._schemas:
            try:
                found = self._client.get_schema(schema_id)
            except SchemaRegistryError as error:
                if error.http_status_code == _NOT_FOUND:
                    raise Rejected(RejectReason.UNKNOWN_SCHEMA, f"schema id {schema_id}") from error
                raise Unavailable(f"schema registry: status {error.http_status_code}") from error
            except Exception as error:
                raise Unavailable(f"schema registry: {type(error).__name__}") from error
            self._schemas[schema_id] = json.loads(found.schema_str or "{}")
        return self._schemas[schema_id]
