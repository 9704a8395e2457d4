"""The landing zone as a sink's store: files, each with its final name before anything is committed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import pyarrow as pa

from connectors.batching import Place, Portion
from connectors.compaction import Compaction
from connectors.intake import Intake
from connectors.landing_zone import LandingZone
from connectors.sink import Beginning
from connectors.sink_metrics import SinkMetrics
from sluice.failpoints import FailpointName, Failpoints
from sluice.logs import Logger, fact
from sluice.topics import Topic


@dataclass(slots=True)
class LandedStore:
    """One folder. `folder_id` marks the commits that speak about it."""

    zone: LandingZone
    folder_id: str
    topics: Collection[Topic]
    metrics: SinkMetrics
    log: Logger
    monotonic: Callable[[], float]
    failpoints: Failpoints = field(default_factory=Failpoints)
    compact_seconds: float = 0.0
    """Between looks at small files, each of which merges some at the most; 0: never."""
    before_commit: FailpointName = "landing.before_commit"
    after_commit: FailpointName = "landing.committed"
    _compaction: Compaction = field(init=False)
    _compact_at: float = 0.0

    def __post_init__(self) -> None:
        """It merges what it has landed."""
        self._compaction = Compaction(self.zone)

    def declare(self) -> None:
        """Every topic has its columns, before anything has landed."""
        for topic in self.topics:
            self.zone.declare(topic)

    def begin(self, place: Place, committed: int | None, mark: str) -> Beginning:
        """See Store. A commit made for another folder is not believed."""
        start = committed if mark == self.folder_id else None
        return Beginning(start, self.zone.landed(place, start or 0))

    def land(self, intake: Intake) -> None:
        """See Store."""
        for portion in [*intake.batch.portions()]:
            self._land(portion, intake)

    def mark(self, _place: Place) -> str:
        """See Store."""
        return self.folder_id

    def rest(self) -> None:
        """One step of merging; the next comes at once where there was something to do."""
        if not self.compact_seconds or self.monotonic() < self._compact_at:
            return
        try:
            merged = self._compaction.step([topic.name for topic in self.topics])
        except OSError as error:
            self.metrics.failures.inc()
            self.log.warning("files stay as they are", error=fact(f"{type(error).__name__}: {error}"))
            merged = None
        if merged is None:
            self._compact_at = self.monotonic() + self.compact_seconds
        else:
            pa.default_memory_pool().release_unused()
            self.metrics.compacted.inc(merged.files)
            self.log.info("files merged", file=fact(merged.path.name), files=merged.files)

    def _land(self, portion: Portion, intake: Intake) -> None:
        with self.zone.erased.while_landing() as erased:
            portion, table = intake.fitted(portion, erased)
            if not portion.rows:
                return
            path = self.zone.write(portion, table)
        self.failpoints.reach("landing.file_written")
        intake.batch.settle(portion)
        topic = portion.place.topic
        self.metrics.records.labels(topic=topic).inc(len(portion.rows))
        self.metrics.files.labels(topic=topic).inc()
        self.log.info("landed", file=fact(path.name), records=len(portion.rows))
