"""Events to bytes and back, in the Confluent wire format: a zero byte, the schema id as 4 bytes big-endian, Avro.

Source: Confluent's "Formats, Serializers, and Deserializers" and the Avro 1.12 specification.
"""

import io
import struct
from datetime import datetime
from decimal import Decimal
from typing import Any

import fastavro
import msgspec

from sluice.errors import Rejected, RejectReason
from sluice.events import EVENT_TYPES, Event
from sluice.schema_ids import SchemaIds
from sluice.schemas import schema_of

_HEADER = struct.Struct(">bI")
_MAGIC = 0

for _event in EVENT_TYPES.values():
    # Here and not at the first decode: two threads that both meet a type for the first time make msgspec 0.22 read half
    # of what it notes about the type, and crash the process.
    msgspec.json.Decoder(_event)


class Codec:
    """Writes with the newest schema; reads what any released schema wrote."""

    def __init__(self, ids: SchemaIds) -> None:
        self._ids = ids
        self._writers: dict[str, tuple[bytes, Any]] = {}
        self._readers: dict[int, tuple[Any, Any, type[Event]]] = {}

    def encode(self, event: Event) -> bytes:
        """The bytes of one event. Raises ConfigurationError where its schema has no id, or Unavailable."""
        name = type(event).__name__
        if name not in self._writers:
            header = _HEADER.pack(_MAGIC, self._ids.id_of(name))
            self._writers[name] = (header, fastavro.parse_schema(schema_of(name)))
        header, schema = self._writers[name]
        buffer = io.BytesIO()
        buffer.write(header)
        fields = msgspec.to_builtins(event, builtin_types=(bytes, datetime, Decimal))
        fastavro.schemaless_writer(buffer, schema, fields, disable_tuple_notation=True)
        return buffer.getvalue()

    def decode(self, value: bytes | None) -> Event:
        """The event in a record's value.

        Raises Rejected with the reason why it is none, Unavailable where the registry does not answer.
        """
        return self.read(value)[0]

    def read(self, value: bytes | None) -> tuple[Event, dict[str, Any]]:
        """The same, with its fields as Avro has them: for who writes rows and not events."""
        if value is None:
            raise Rejected(RejectReason.NULL_RECORD, "no value")
        if not value:
            raise Rejected(RejectReason.EMPTY_RECORD, "0 bytes")
        if len(value) < _HEADER.size or value[0] != _MAGIC:
            raise Rejected(RejectReason.BAD_MAGIC_BYTE, f"{len(value)} bytes, first is {value[0]}")
        schema_id = _HEADER.unpack_from(value)[1]
        if schema_id not in self._readers:
            self._readers[schema_id] = self._reader(schema_id)
        writer, reader, event_type = self._readers[schema_id]
        buffer = io.BytesIO(value)
        buffer.seek(_HEADER.size)
        try:
            fields: Any = fastavro.schemaless_reader(buffer, writer, reader)
            if buffer.tell() != len(value):
                raise ValueError("bytes are left over")
            return msgspec.convert(fields, event_type), fields
        except Exception as error:  # fastavro raises what its parser trips over: EOFError, IndexError, ...
            raise Rejected(RejectReason.UNDECODABLE, f"{event_type.__name__}: {type(error).__name__}") from None

    def _reader(self, schema_id: int) -> tuple[Any, Any, type[Event]]:
        writer = self._ids.schema_for(schema_id)
        name = str(writer.get("name", ""))
        if name not in EVENT_TYPES:
            raise Rejected(RejectReason.UNEXPECTED_EVENT, f"schema id {schema_id} is no event of the platform")
        reader = schema_of(name)
        resolved = None if writer == reader else fastavro.parse_schema(reader)  # to resolve takes half the time again
        return fastavro.parse_schema(writer), resolved, EVENT_TYPES[name]
