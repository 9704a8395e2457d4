"""Write a history into an empty landing zone: through codec and schemas, as if it had come through the log."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from multiprocessing import active_children, get_context
from pathlib import Path

from connectors.batching import Place, Portion, Row
from connectors.columns import columns_of, landed_fields
from connectors.landing import landed_topics
from connectors.landing_zone import LandingZone
from connectors.seeding.shape import Plan, moments
from connectors.seeding.turns import Crowd, Turn
from connectors.tables import table_of
from sluice.codec import Codec
from sluice.dead_letters import Origin
from sluice.errors import ConfigurationError
from sluice.events import TurnEvent
from sluice.partitioning import partition_for
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.topics import catalogue, topic_of

CLUSTER_ID = "seeded"
"""In place of a Kafka cluster's: the landing sink of a real one refuses to go on in this folder."""
_OFFSETS_A_DAY = 10_000_000
_ROWS_A_FILE = 50_000
_LOG_DELAY = timedelta(milliseconds=4)
_LANDING_DELAY = timedelta(days=1, minutes=1)
_TURNS_A_PERSON = 40


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was written."""

    turns: int
    events: int
    files: int


def seed(zone: LandingZone, plan: Plan, processes: int, tell: Callable[[int], None]) -> Seeded:
    """Days side by side. Raises ConfigurationError where something has landed already. `tell` hears turns done."""
    if any(zone.root.glob("*/date=*/*.parquet")):
        raise ConfigurationError(
            f"{zone.root} has landed files already. Set SLUICE_HOME to a new folder for a made-up history."
        )
    with zone.claim(CLUSTER_ID, CLUSTER_ID):
        for topic in landed_topics():
            zone.declare(topic)
        done = Seeded(0, 0, 0)
        try:
            with ExitStack() as stack:
                side_by_side = map if processes == 1 else stack.enter_context(_pool(processes)).map
                stack.push(_end_unfinished)
                for day in side_by_side(_write_day, *zip(*_days(zone.root, plan), strict=True)):
                    done = Seeded(done.turns + day.turns, done.events + day.events, done.files + day.files)
                    tell(done.turns)
        except BaseException:
            for folder in zone.root.glob("*/date=*"):
                shutil.rmtree(folder)
            raise
    return done


def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, get_context("spawn"))  # threads of ours would not survive a fork


def _end_unfinished(kind: type[BaseException] | None, _error: object, _trace: object) -> None:
    """The pool would wait for the days that are being written, which nobody wants any more."""
    for child in active_children() if kind is not None else ():
        child.terminate()


def _days(root: Path, plan: Plan) -> Iterator[tuple[Path, Plan, int, date, int]]:
    for number, (day, turns) in enumerate(plan.turns_by_day().items()):
        yield root, plan, number, day, turns


def _write_day(root: Path, plan: Plan, number: int, day: date, turns: int) -> Seeded:
    writer = _DayWriter(LandingZone(root), number * _OFFSETS_A_DAY)
    chance = plan.chance(day)
    crowd = Crowd(chance, max(1, plan.turns // _TURNS_A_PERSON), plan.seed)
    for accepted_at in moments(turns, day, chance):
        for event in Turn(chance, accepted_at, *crowd.next()).events():
            writer.take(event)
    writer.flush()
    return Seeded(turns, writer.events, writer.files)


class _DayWriter:
    """Encodes each event, decodes it as the sink does, and writes its rows where the sink would."""

    def __init__(self, zone: LandingZone, first_offset: int) -> None:
        self._zone = zone
        self._codec = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
        self._next: dict[Place, int] = defaultdict(lambda: first_offset)
        self._rows: dict[Place, list[Row]] = defaultdict(list)
        self._columns = {topic.name: columns_of(topic) for topic in landed_topics()}
        self._waiting = self.events = self.files = 0

    def take(self, event: TurnEvent) -> None:
        """One record of the log."""
        topic = topic_of(type(event).__name__)
        place = Place(topic, partition_for(event.session_id, catalogue()[topic].partitions))
        offset = self._next[place]
        self._next[place] = offset + 1
        self._rows[place].append(self._row(place, offset, self._codec.encode(event)))
        self.events += 1
        self._waiting += 1
        if self._waiting >= _ROWS_A_FILE:
            self.flush()

    def _row(self, place: Place, offset: int, value: bytes) -> Row:
        event, fields = self._codec.read(value)
        logged_at = event.occurred_at + _LOG_DELAY
        own = landed_fields(type(event).__name__, fields)
        record = partial(Origin, *place, offset, logged_at, None, value, [])
        day, logged_ms = event.occurred_at.date(), int(logged_at.timestamp() * 1000)
        return Row(place, offset, day, logged_ms, own, len(value), record)

    def flush(self) -> None:
        """A file for each partition and day."""
        for place, rows in self._rows.items():
            for day in sorted({row.day for row in rows}):
                own = tuple(row for row in rows if row.day == day)
                portion, landed_at = Portion(place, day, own), datetime.combine(day, time(), UTC) + _LANDING_DELAY
                self._zone.write(portion, table_of(portion, self._columns[place.topic], landed_at))
                self.files += 1
        self._rows.clear()
        self._waiting = 0
