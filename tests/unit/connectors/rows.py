"""Rows as the sink makes them of events."""

from functools import partial
from typing import Any

from connectors.batching import Place, Row
from connectors.columns import landed_fields
from sluice.codec import Codec
from sluice.dead_letters import Origin
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))


def row_of(event: Any, place: Place, offset: int) -> Row:
    """Logged when it happened."""
    value = CODEC.encode(event)
    fields = landed_fields(type(event).__name__, CODEC.read(value)[1])
    record = partial(Origin, *place, offset, event.occurred_at, None, value, [])
    logged_ms = int(event.occurred_at.timestamp() * 1000)
    return Row(place, offset, event.occurred_at.date(), logged_ms, fields, len(value), record)
