"""The law of the positions: whatever ends wherever, each record is written once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bigquery.position import Position, read, written
from sluice.errors import ConfigurationError

positions = st.builds(
    Position,
    table=st.integers(0, 2**53),
    stream=st.text(max_size=100),
    rows=st.integers(0, 2**53),
    coming=st.integers(0, 2**31),
    then=st.integers(0, 2**53),
)


@given(positions)
def test_metadata_gives_the_position_back(position: Position) -> None:
    assert read(written(position)) == position


@pytest.mark.parametrize("metadata", ["", "f-1", "{}", "[]", '["x"]', '[1,"s","many"]'])
def test_what_is_no_position_is_none(metadata: str) -> None:
    assert read(metadata) is None


def test_it_fits_into_a_commit() -> None:
    assert len(written(Position(2**53, "C" * 120, 2**62, 2**31, 2**62))) < 1_000


def test_a_stream_of_another_length_is_for_a_person() -> None:
    position = Position(1, "s", 10).expecting("s", 5, 40)
    assert [position.arrived(10), position.arrived(15)] == [False, True]
    for length in (0, 9, 12, 16):
        with pytest.raises(ConfigurationError, match="bigquery_stream_length"):
            position.arrived(length)


def test_what_has_arrived_counts() -> None:
    assert Position(1).expecting("s", 5, 40).settled == Position(1, "s", 5)


class Life:
    """A log of records, some of which are rows, and a process that ends after any of its steps, again and again.

    What it had sent before it ended may arrive late, at any time.
    """

    def __init__(self, are_rows: list[bool], data: st.DataObject) -> None:
        self.log, self.draw = are_rows, data.draw
        self.committed, self.mark = 0, written(Position(1))
        self.table: list[int] = []
        self.streams: dict[str, int] = {}
        self.finished: set[str] = set()
        self.late: list[tuple[str, int, list[int]]] = []

    def append(self, stream: str, at: int, rows: list[int]) -> None:
        if stream not in self.finished and at == self.streams[stream]:
            self.streams[stream] += len(rows)
            self.table += rows

    def let_arrive(self) -> None:
        while self.late and self.draw(st.booleans()):
            self.append(*self.late.pop())

    def start(self) -> int:
        position = read(self.mark)
        assert position is not None
        if not position.stream:
            return self.committed
        self.finished.add(position.stream)
        if self.draw(st.integers(0, 5)) == 0:  # the server has forgotten the stream: the table is asked
            return max([self.committed, *(row + 1 for row in self.table)])
        return position.then if position.arrived(self.streams[position.stream]) else self.committed

    def run(self) -> bool:
        """False where it ended early."""
        self.let_arrive()
        offset, position = self.start(), Position(1)
        while offset < len(self.log):
            end = min(len(self.log), offset + self.draw(st.integers(1, 4)))
            rows = [number for number in range(offset, end) if self.log[number]]
            if rows:
                stream = position.stream or f"s{len(self.streams)}"
                self.streams.setdefault(stream, 0)
                if self.draw(st.booleans()):
                    return False
                position = position.expecting(stream, len(rows), rows[-1] + 1)
                self.committed, self.mark = rows[0], written(position)
                if self.draw(st.booleans()):
                    if self.draw(st.booleans()):
                        self.late.append((stream, position.rows, rows))
                    return False
                for _ in range(self.draw(st.integers(1, 2))):
                    self.append(stream, position.rows, rows)
                if self.draw(st.booleans()):
                    return False
                position = position.settled
            self.committed, self.mark, offset = end, written(position), end
            self.let_arrive()
        return True


@given(st.lists(st.booleans(), max_size=20), st.data())
def test_each_row_is_written_once_whatever_ends_wherever(are_rows: list[bool], data: st.DataObject) -> None:
    life = Life(are_rows, data)
    wanted = [number for number, is_row in enumerate(are_rows) if is_row]
    for _ in range(12):
        done = life.run()
        assert life.table == wanted[: len(life.table)]
        if done:
            assert life.table == wanted
            break
