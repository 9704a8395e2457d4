"""Which number stands for which schema on the wire.

The port is `SchemaIds`; the committed lock file needs no server, the registry adapter speaks the Confluent API.
One contract suite runs over both.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from sluice.contracts import Version
from sluice.errors import ConfigurationError, Rejected, RejectReason, Unavailable
from sluice.paths import data_folder
from sluice.schemas import NAMESPACE, Schema, all_schemas, canonical, schema_of

LOCK_FILE = data_folder("avro") / "schema-ids.lock.json"
_NOT_FOUND = 404
_TRY_LATER = {408, 425, 429}
_TIMEOUT_SECONDS = 2.0
_UNKNOWN_SECONDS, _MOST_UNKNOWN = 30.0, 1_000
"""A number the registry does not know is not asked for again for so long."""


class SchemaIds(Protocol):
    """Both ways between a schema and its number."""

    def id_of(self, event_name: str) -> int:
        """The number to write. Raises ConfigurationError where the schema can have none, or Unavailable."""
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
        self.entries: list[tuple[int, str, Schema]] = [(e["id"], e["event"], e["schema"]) for e in entries]
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


def released(path: Path) -> list[Version]:
    """All that the lock file holds, oldest first. Raises ConfigurationError where it cannot be read."""
    return [Version(number, event, schema) for number, event, schema in LockFileIds(path).entries]


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
    """Numbers from a Confluent-compatible registry; subjects are named after the record (RecordNameStrategy).

    A question blocks for `timeout_seconds` at most: processes resolve their own schemas before they start (see
    sluice/wiring.py), so that only a number nobody here has seen is asked for later.
    """

    def __init__(
        self, url: str, timeout_seconds: float = _TIMEOUT_SECONDS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = SchemaRegistryClient({"url": url, "max.retries": 0, "timeout": timeout_seconds})
        self._monotonic = monotonic
        self._ids: dict[str, int] = {}
        self._schemas: dict[int, Schema] = {}
        self._unknown: dict[int, float] = {}

    def close(self) -> None:
        """Its connections. A process keeps them as long as it lives."""
        self._client.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def id_of(self, event_name: str) -> int:
        """Register the schema if it is new and give its number. Raises Unavailable too."""
        if event_name not in self._ids:
            schema = schema_of(event_name)
            subject = f"{NAMESPACE}.{event_name}"
            try:
                number = self._client.register_schema(subject, RegistrySchema(canonical(schema), "AVRO"))
            except SchemaRegistryError as error:
                if not _is_refusal(error.http_status_code):
                    raise _unavailable(error) from error
                raise ConfigurationError(
                    f"The registry refused the schema of {event_name} as {subject} (status {error.http_status_code}). "
                    "Look at the subject's compatibility and at this process's rights."
                ) from error
            except Exception as error:
                raise _unavailable(error) from error
            self._ids[event_name] = number
            self._schemas[number] = schema
        return self._ids[event_name]

    def schema_for(self, schema_id: int) -> Schema:
        """Ask once, then remember: a number never changes its meaning. One that is unknown is asked for again later."""
        if schema_id not in self._schemas:
            if self._unknown.get(schema_id, 0.0) > self._monotonic():
                raise Rejected(RejectReason.UNKNOWN_SCHEMA, f"schema id {schema_id}")
            try:
                found = self._client.get_schema(schema_id)
            except SchemaRegistryError as error:
                if error.http_status_code != _NOT_FOUND:
                    raise _unavailable(error) from error
                self._remember_unknown(schema_id)
                raise Rejected(RejectReason.UNKNOWN_SCHEMA, f"schema id {schema_id}") from error
            except Exception as error:
                raise _unavailable(error) from error
            self._schemas[schema_id] = json.loads(found.schema_str or "{}")
        return self._schemas[schema_id]

    def _remember_unknown(self, schema_id: int) -> None:
        if len(self._unknown) >= _MOST_UNKNOWN:
            del self._unknown[next(iter(self._unknown))]
        self._unknown.pop(schema_id, None)
        self._unknown[schema_id] = self._monotonic() + _UNKNOWN_SECONDS


def _is_refusal(status: int) -> bool:
    return 400 <= status < 500 and status not in _TRY_LATER


def _unavailable(error: Exception) -> Unavailable:
    what = f"status {error.http_status_code}" if isinstance(error, SchemaRegistryError) else type(error).__name__
    return Unavailable(f"schema registry: {what}")
