"""Rows to the table of one file."""

from datetime import datetime
from typing import Any

import pyarrow as pa

from connectors.batching import Portion
from connectors.erasing.erased import NOBODY, Erased


def table_of(portion: Portion, columns: Any, landed_at: datetime, erased: Erased = NOBODY) -> Any:
    """A `pyarrow.Table` with `columns`, a `pyarrow.Schema` (see columns.columns_of).

    What is the same for a whole file, or is counted, is put beside the rows and not into each: that is a third of the
    time. Raises pyarrow.ArrowException or OverflowError where a value does not fit its column.
    """
    rows, place = portion.rows, portion.place
    beside = {
        "_landed_at": pa.repeat(pa.scalar(landed_at, columns.field("_landed_at").type), len(rows)),
        "_topic": pa.repeat(pa.scalar(place.topic), len(rows)),
        "_partition": pa.repeat(pa.scalar(place.partition, pa.int32()), len(rows)),
        "_offset": pa.array([row.offset for row in rows], pa.int64()),
        "_timestamp": pa.array([row.logged_ms for row in rows], pa.timestamp("ms", tz="UTC")),
    }
    own = pa.schema([field for field in columns if field.name not in beside])
    table = pa.Table.from_pylist([erased.cleared(row.fields) for row in rows], schema=own)
    for name, values in beside.items():
        table = table.append_column(name, values)
    return table.select(columns.names).cast(columns)
