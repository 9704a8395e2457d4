"""How far a partition's rows are in BigQuery, as the metadata of its Kafka commit says. No Kafka, no BigQuery.

Rows of a partition go into one stream at a time, in the order of the log. Before each append a commit says what is
about to be appended, where in the stream, and where the log goes on afterwards. So whoever takes the partition over
learns from the length of the finished stream alone whether that append has arrived. Nothing is counted or decoded
again: another version of the sink, which puts other records away, comes to the same answer.
"""

import msgspec

from sluice.errors import ConfigurationError


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Of one partition. `table` is when the table was made, in milliseconds since 1970: another one has other rows."""

    table: int
    stream: str = ""
    """Its name below the table; none before the first append."""
    rows: int = 0
    """Of the stream, from records before the committed offset."""
    coming: int = 0
    """Rows that may be on their way."""
    then: int = 0
    """Where the log goes on once they have arrived."""

    def expecting(self, stream: str, rows: int, then: int) -> "Position":
        """About to append."""
        return Position(self.table, stream, self.rows, rows, then)

    @property
    def settled(self) -> "Position":
        """What was coming has arrived."""
        return Position(self.table, self.stream, self.rows + self.coming)

    def arrived(self, rows_in_stream: int) -> bool:
        """Whether a finished stream has what was coming. An append is there whole or not at all.

        Raises ConfigurationError where the stream holds neither: a person must look.
        """
        if rows_in_stream == self.rows:
            return False
        if rows_in_stream == self.rows + self.coming:
            return True
        raise ConfigurationError(
            f"bigquery_stream_length: stream {self.stream} holds {rows_in_stream} rows, where the commit says "
            f"{self.rows} or {self.rows + self.coming}. Somebody else wrote to it, or rows are missing. Stop the sink, "
            "compare the table with the topic, then delete the offsets of the group `bigquery`: the sink goes on "
            "behind the last offset of the table."
        )


def written(position: Position) -> str:
    """As metadata: far below the 4,096 bytes that Kafka allows."""
    return msgspec.json.encode(position).decode()


def read(metadata: str) -> Position | None:
    """None of what is no position."""
    try:
        return msgspec.json.decode(metadata, type=Position)
    except msgspec.MsgspecError:
        return None
