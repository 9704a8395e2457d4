"""What the sink asks of BigQuery. All may raise Unavailable (try again) or ConfigurationError (a person must act)."""

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa

from connectors.batching import Place
from connectors.sink import StartAnew
from sluice.errors import Unavailable


class StreamGone(Unavailable):
    """A stream takes no rows any more: it was finished by whoever took over, or has expired."""


class TableGone(StartAnew):
    """A table was dropped, and perhaps made anew by another: its part of the log is to be read from the beginning."""


class RowsRefused(Exception):
    """Nothing of an append was taken, because of these rows, counted from its first, and why."""

    def __init__(self, rows: dict[int, str]) -> None:
        super().__init__(f"{len(rows)} rows")
        self.rows = rows


class BigQuery(Protocol):
    """One dataset."""

    def prepare(self, table: str, columns: pa.Schema, cluster: str) -> int:
        """Make a table, or add the columns that it lacks. Gives when it was made, in milliseconds since 1970.

        Raises ConfigurationError where its rows are not of this Kafka cluster: their offsets mean other records.
        """
        ...

    def create_stream(self, table: str) -> str:
        """A committed stream: what is appended can be read at once. Gives its name below the table.

        Raises TableGone.
        """
        ...

    def append(self, table: str, stream: str, offset: int, rows: pa.RecordBatch) -> None:
        """Rows at this place of the stream, all or none; rows that are there already stay alone.

        Raises StreamGone or RowsRefused. After Unavailable the rows may be there or not.
        """
        ...

    def finish(self, table: str, stream: str) -> int | None:
        """The stream takes nothing any more from here on. Gives its length; None where it is not known any more."""
        ...

    def last_offsets(self, table: str) -> Mapping[Place, int]:
        """The highest offset that the table holds, of each partition with rows in it. Raises TableGone."""
        ...
