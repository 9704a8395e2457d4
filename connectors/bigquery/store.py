"""BigQuery as a sink's store. The law: whatever dies wherever, each row is in its table once.

Each append goes three steps: a commit that says what will be appended to which stream, the append at its place, and the
commit behind it. Kafka takes a commit only from whoever owns the partition, so a process that was left behind can begin
no append; one that it had begun meets a finished stream. See docs/decisions/0019.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pyarrow as pa

from connectors.batching import Place, Portion
from connectors.bigquery import position
from connectors.bigquery.ports import BigQuery, RowsRefused, StreamGone, TableGone
from connectors.bigquery.position import Position
from connectors.bigquery.tables import first_part, sent
from connectors.connect.tables import LandedTable
from connectors.erasing.erased import Erased
from connectors.intake import Intake
from connectors.runs import Runs
from connectors.sink import Beginning
from sluice.errors import Unavailable
from sluice.failpoints import FailpointName, Failpoints
from sluice.logs import Logger, fact

_AT_ONCE = 8
Commit = Callable[[Mapping[Place, tuple[int, str]]], None]
"""Offsets with their metadata. Raises KafkaException."""


@dataclass(frozen=True, slots=True)
class _Append:
    place: Place
    table: str
    rows: pa.RecordBatch
    portion: Portion


@dataclass(slots=True)
class BigQueryStore:
    """One dataset, one member of a consumer group. Several members share the partitions."""

    bigquery: BigQuery
    tables: Mapping[str, LandedTable]
    """By topic."""
    cluster: str
    """Kafka's own name of the cluster whose records these are."""
    commit: Commit
    member: Callable[[], str]
    """As whom Kafka knows this process now; another one, or nobody, once the group has gone on without it."""
    erased: Callable[[], AbstractContextManager[Erased]]
    log: Logger
    failpoints: Failpoints = field(default_factory=Failpoints)
    before_commit: FailpointName = "bigquery.before_commit"
    after_commit: FailpointName = "bigquery.committed"
    _made: dict[str, int] = field(default_factory=dict)
    _positions: dict[Place, Position] = field(default_factory=dict)
    _doubtful: dict[Place, int] = field(default_factory=dict)
    """Places whose stream is gone, with the offset that the log was committed at."""
    _owner: str = ""
    _asked: dict[str, Mapping[Place, int]] = field(default_factory=dict)
    """What tables said of their offsets within one assignment."""

    def declare(self) -> None:
        """All tables are there, with all columns, and of this cluster."""
        for one in {table.name: table for table in self.tables.values()}.values():
            self._made[one.name] = self._prepare(one)

    def _prepare(self, table: LandedTable) -> int:
        return self.bigquery.prepare(table.name, table.columns, self.cluster)

    def _look_again(self, table: LandedTable) -> None:
        """Raises TableGone where it is not the one of the start: it may have been dropped, and be empty."""
        if self._prepare(table) != self._made[table.name]:
            raise TableGone(f"bigquery: table {table.name} was dropped, and is another one now")

    def begin(self, place: Place, committed: int | None, mark: str) -> Beginning:
        """See Store. Without a commit that speaks of this table, the table itself is asked."""
        landed = self.tables[place.topic]
        table = landed.name
        known = position.read(mark)
        self._owner = self.member()
        self._doubtful.pop(place, None)
        self._positions[place] = Position(self._made[table])
        if committed is None or known is None or known.table != self._made[table]:
            if table not in self._asked:
                self._look_again(landed)
                self._asked[table] = self.bigquery.last_offsets(table)
            last = self._asked[table].get(place)
            return Beginning(None if last is None else last + 1, Runs())
        return Beginning(self._behind(place, committed, known), Runs())

    def land(self, intake: Intake) -> None:
        """See Store. Rows that one append does not hold go with the next."""
        self._asked.clear()
        self._resolve(intake)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while self._round(intake, pool):
                pass

    def mark(self, place: Place) -> str:
        """See Store. Raises Unavailable where the group has gone on without this process.

        Kafka refuses commits of such a one too, but not where the group has no member left and the client has noticed:
        then it would take them from anybody, and they would hide what the owner after this one wrote.
        """
        if self.member() != self._owner:
            raise Unavailable("bigquery: the partitions may be another's by now")
        return position.written(self._positions[place])

    def rest(self) -> None:
        """See Store. Nothing is left to do."""

    def _round(self, intake: Intake, pool: ThreadPoolExecutor) -> bool:
        """At most one append for each partition. False where nothing waits."""
        with self.erased() as erased:
            appends = [*self._appends(intake, erased)]
            if not appends:
                return False
            intake.office.settle()  # the commit passes records that were put away
            self.commit({one.place: (one.portion.first, self.mark(one.place)) for one in appends})
            self.failpoints.reach("bigquery.before_append")
            ended = [*pool.map(self._append, appends)]
        self.failpoints.reach("bigquery.appended")
        failures = [
            error for one, error in zip(appends, ended, strict=True) if not self._taken(one, error, intake) and error
        ]
        for error in sorted(failures, key=lambda error: isinstance(error, Unavailable)):
            raise error
        return True

    def _appends(self, intake: Intake, erased: Erased) -> Iterator[_Append]:
        """What may have arrived already goes once more, exactly as it was."""
        for waiting in [*intake.batch.by_place()]:
            at = self._positions[waiting.place]
            rows = tuple(row for row in waiting.rows if not at.coming or row.offset < at.then)
            portion, table = intake.fitted(Portion(waiting.place, waiting.day, rows), erased)
            if portion.rows:
                part = sent(table) if at.coming else first_part(sent(table))
                portion = Portion(waiting.place, waiting.day, portion.rows[: part.num_rows])
                name = self.tables[waiting.place.topic].name
                if not at.coming:
                    stream = at.stream or self._new_stream(self.tables[waiting.place.topic])
                    self._positions[waiting.place] = at.expecting(stream, part.num_rows, portion.last + 1)
                yield _Append(waiting.place, name, part, portion)

    def _new_stream(self, table: LandedTable) -> str:
        self.failpoints.reach("bigquery.before_create_stream")
        stream = self.bigquery.create_stream(table.name)
        self.failpoints.reach("bigquery.stream_created")
        self._look_again(table)
        return stream

    def _append(self, one: _Append) -> Exception | None:
        """Gives what went wrong, so that all others end first."""
        at = self._positions[one.place]
        try:
            self.bigquery.append(one.table, at.stream, at.rows, one.rows)
        except Exception as error:
            return error
        return None

    def _taken(self, one: _Append, error: Exception | None, intake: Intake) -> bool:
        """Whether the rows are settled, or those are that stood in the way."""
        at = self._positions[one.place]
        match error:
            case None:
                self._positions[one.place] = at.settled
                intake.batch.settle(one.portion)
                intake.metrics.records.labels(topic=one.place.topic).inc(one.rows.num_rows)
                return True
            case RowsRefused():
                self._positions[one.place] = Position(at.table, at.stream, at.rows)
                for index, why in error.rows.items():
                    intake.misfit(one.portion.rows[index], why)
                return True
            case StreamGone():
                self._doubtful[one.place] = one.portion.first
        return False

    def _resolve(self, intake: Intake) -> None:
        """Find out what arrived in streams that are gone, and go on in others."""
        for place, committed in [*self._doubtful.items()]:
            if place in self._positions:
                start = self._behind(place, committed, self._positions[place])
                for waiting in [one for one in intake.batch.by_place() if one.place == place]:
                    arrived = tuple(row for row in waiting.rows if row.offset < start)
                    intake.batch.settle(Portion(place, waiting.day, arrived))
                self._positions[place] = Position(self._positions[place].table)
            del self._doubtful[place]

    def _behind(self, place: Place, committed: int, known: Position) -> int:
        """Where the log goes on after what the table holds. From here on the old stream takes nothing."""
        if not known.stream:
            return committed
        table = self.tables[place.topic].name
        self.failpoints.reach("bigquery.before_finalize")
        length = self.bigquery.finish(table, known.stream)
        self.failpoints.reach("bigquery.finalized")
        if length is None:
            self._look_again(self.tables[place.topic])
            start = max(committed, self.bigquery.last_offsets(table).get(place, -1) + 1)
        else:
            start = known.then if known.arrived(length) else committed
        self.log.info(
            "stream finished",
            table=fact(table),
            partition=place.partition,
            rows=fact("unknown" if length is None else length),
            committed=committed,
            start=start,
        )
        return start
