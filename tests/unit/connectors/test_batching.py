"""No row is lost or doubled, whatever crashes, and whichever commit was forgotten."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from connectors.batching import Batch, Place, Row
from connectors.runs import Runs
from sluice.dead_letters import Origin
from tests.doubles import NOON

PLACES = (Place("llm-usage", 0), Place("llm-usage", 1))
FIRST = date(2026, 3, 1)
Record = int | None
"""The day of a good record, None for one that cannot be decoded."""


def row(place: Place, offset: int, day: int = 0, size: int = 10) -> Row:
    logged_ms = int((NOON + timedelta(seconds=offset)).timestamp() * 1000)
    origin = partial(Origin, *place, offset, NOON, None, b"", [])
    return Row(place, offset, FIRST + timedelta(days=day), logged_ms, {}, size, origin)


@dataclass
class World:
    """What outlives a process: the log, the files, the commits."""

    log: dict[Place, list[Record]]
    files: dict[Place, list[list[int]]] = field(default_factory=lambda: {place: [] for place in PLACES})
    commits: dict[Place, int] = field(default_factory=dict)

    def live(self, reads: list[int], renames_before_crash: int | None, commit: bool) -> None:
        """One process: reads so many records in rounds with a flush after each, and perhaps ends in the last."""
        batch = Batch()
        position = {place: self.commits.get(place, 0) for place in PLACES}
        for place in PLACES:
            landed = [offset for file in self.files[place] for offset in file if offset >= position[place]]
            batch.open(place, Runs(landed))
        for turn, count in enumerate(reads):
            self._read(batch, position, count)
            last = turn == len(reads) - 1
            for done, portion in enumerate([*batch.portions()]):
                if last and done == renames_before_crash:
                    return
                self.files[portion.place].append([kept.offset for kept in portion.rows])
                batch.settle(portion)
            if last and not commit:
                return
            offsets = batch.commits()
            self.commits |= offsets
            batch.committed(offsets)

    def _read(self, batch: Batch, position: dict[Place, int], count: int) -> None:
        for place in PLACES:
            for record in self.log[place][position[place] : position[place] + count]:
                offset = position[place]
                position[place] += 1
                if record is not None and batch.is_new(place, offset):
                    batch.take(row(place, offset, record))
                else:
                    batch.pass_over(place, offset)


logs = st.fixed_dictionaries({place: st.lists(st.none() | st.integers(0, 2), max_size=12) for place in PLACES})
lives = st.lists(
    st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.none() | st.integers(0, 4), st.booleans()),
    max_size=6,
)


@given(logs, lives, st.booleans())
def test_each_good_record_is_in_exactly_one_file(
    log: dict[Place, list[Record]], crashes: list[tuple[list[int], int | None, bool]], commits_are_forgotten: bool
) -> None:
    world = World(log)
    for reads, renames, commit in crashes:
        world.live(reads, renames, commit)
    if commits_are_forgotten:
        world.commits.clear()
    world.live([100], None, commit=True)
    for place in PLACES:
        landed = Counter(offset for file in world.files[place] for offset in file)
        assert landed == Counter(offset for offset, record in enumerate(log[place]) if record is not None)
        assert world.commits.get(place, 0) == len(log[place])


def test_one_file_a_partition_and_day_in_the_order_of_the_log() -> None:
    batch = Batch()
    for offset, day in enumerate([0, 1, 0, 1]):
        batch.take(row(PLACES[0], offset, day))
    assert [(p.day.day, p.first, p.last, len(p.rows)) for p in batch.portions()] == [(1, 0, 2, 2), (2, 1, 3, 2)]


def test_a_commit_waits_for_every_row_of_its_partition() -> None:
    batch = Batch()
    batch.take(row(PLACES[0], 0))
    batch.take(row(PLACES[1], 7))
    first, second = batch.portions()
    batch.settle(first)
    assert batch.commits() == {PLACES[0]: 1}
    batch.settle(second)
    batch.committed({PLACES[0]: 1})
    assert batch.commits() == {PLACES[1]: 8}


def test_memory_is_counted_and_given_back() -> None:
    batch = Batch()
    batch.take(row(PLACES[0], 0, size=10))
    batch.take(row(PLACES[1], 0, size=5))
    assert (batch.count, batch.size, batch.oldest) == (2, 15, NOON)
    batch.drop(PLACES[0])
    batch.settle(next(batch.portions()))
    assert (batch.count, batch.size, batch.oldest) == (0, 0, None)


def test_a_record_read_twice_is_taken_once() -> None:
    batch = Batch()
    batch.open(PLACES[0], Runs([4]))
    batch.take(row(PLACES[0], 3))
    batch.pass_over(PLACES[0], 1)
    assert [batch.is_new(PLACES[0], offset) for offset in (2, 3, 4, 5)] == [False, False, False, True]


@given(st.sets(st.integers(0, 60)))
def test_runs_hold_what_they_were_made_of(offsets: set[int]) -> None:
    runs = Runs(offsets)
    assert {offset for offset in range(-1, 62) if runs.hold(offset)} == offsets
