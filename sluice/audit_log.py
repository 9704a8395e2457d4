"""The audit log in Kafka: one chain, many writers.

Who wants to append takes the transactional id of the chain. Kafka lets only the newest holder of it write, so nobody
can write between the moment a writer has read the end of the chain and the moment its own record is there. A writer
that has lost the id takes it again and reads the end again.
"""

import contextlib
import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from sluice.audit import Broken, Link, Mark, breaks, chained, end_of
from sluice.audit_anchor import Anchor, Doubt
from sluice.catalogue_file import TopicName
from sluice.codec import Codec
from sluice.errors import Rejected, Unavailable
from sluice.events import AuditRecorded
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import Servers, consumer_config, producer_config
from sluice.topics import catalogue

TOPIC: Final[TopicName] = "audit-log"
PARTITION = 0
_SECONDS = 10.0
_SLACK = timedelta(days=2)
"""Kafka removes whole segments: what is about to go by retention is not missed yet."""
_TRIES, _PAUSE_SECONDS = 6, 0.1
_LOTS = random.SystemRandom()
_LOOK_BACK = 64
_MOST_WAITING = 10_000
_GATHER_SECONDS = 1.0
_LATER_SECONDS = 5.0
_QUIET = logging.getLogger("sluice.audit_log.librdkafka")
"""To lose the id to another writer is no fatal error here, whatever librdkafka says of it."""
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class Verified(NamedTuple):
    """What a log was found to be."""

    records: list[AuditRecorded]
    broken: list[Broken]
    """All that is wrong with the chain, or missing of what this machine has written."""
    doubt: Doubt | None
    """Why nobody can say whether something was cut off at an end."""


class AuditLog:
    """Appends and reads. Every call blocks and raises Unavailable where the log does not answer."""

    def __init__(
        self, servers: Servers, group: str, codec: Codec, key: bytes, clock: Callable[[], datetime], anchor: Anchor
    ) -> None:
        """`group` is one that Kafka lets this user read with; nothing is committed in it."""
        self._servers, self._group, self._codec, self._key, self._clock = servers, group, codec, key, clock
        self._anchor = anchor
        self._producer: Producer | None = None
        self._end = Link()

    def append(self, marks: Iterable[Mark]) -> list[AuditRecorded]:
        """All of them or none. Returns once they are acknowledged."""
        wanted = list(marks)
        for tried in range(_TRIES):
            try:
                with self._anchor.writing():
                    return self._append(wanted)
            except KafkaException as error:
                reason = str(error.args[0].str())
                self._producer = None
            time.sleep(_LOTS.uniform(0, _PAUSE_SECONDS * 2**tried))  # a writer of another machine ends first
        raise Unavailable(f"The audit log cannot be written ({reason}).")

    def records(self) -> Iterator[tuple[int, AuditRecorded]]:
        """What the log holds, with offsets."""
        return ((offset, record) for offset, record in self.entries() if record is not None)

    def entries(self) -> Iterator[tuple[int, AuditRecorded | None]]:
        """The same, with what is no audit record at all."""
        with self._reader() as reader:
            yield from self._read(reader, 0, self._ends())

    def verify(self, retention: timedelta) -> Verified:
        """Read all of it, and compare it with what this machine has written."""
        is_new, entries = self._ends() == 0, list(self.entries())
        records = {record.place: record for _, record in entries if record is not None and record.seal}
        since = (self._clock() - retention + _SLACK).date()
        return Verified(
            [record for _, record in entries if record is not None],
            [*breaks(entries, self._key), *self._anchor.missing(records, since)],
            self._anchor.doubt(since, is_new=is_new),
        )

    def remember(self, mark: Mark) -> None:
        """Take the log as it is for whole from now on: this machine remembers it anew. The mark says who did so."""
        self.append([mark])
        self._anchor.begin([record for _, record in self.records() if record.seal])

    def _append(self, marks: list[Mark]) -> list[AuditRecorded]:
        if self._producer is None:
            self._producer = self._taken()
            self._end = self._last()
        records = chained(marks, self._end, self._key, self._clock())
        self._producer.begin_transaction()
        for record in records:
            self._producer.produce(TOPIC, self._codec.encode(record), record.actor_id.encode(), PARTITION)
        self._producer.commit_transaction(_SECONDS)
        self._end = end_of(records[-1]) if records else self._end
        self._anchor.note(records)
        return records

    def _taken(self) -> Producer:
        config = producer_config(self._servers, "sluice-audit")
        del config["partitioner"], config["delivery.timeout.ms"]
        own = {
            "transactional.id": str(catalogue()[TOPIC].transactional_id),
            "transaction.timeout.ms": int(_SECONDS * 1000),
        }
        producer = Producer(config | own, logger=_QUIET)
        producer.init_transactions(_SECONDS)
        return producer

    def _last(self) -> Link:
        """The end of the chain. Transactions leave marks in the log, so the last offset is not the last record.

        Where the log ends before what is remembered, the chain goes on from there: what was cut off stays missing.
        """
        known = self._anchor.read().last
        with self._reader() as reader:
            start = end = self._ends()
            while start > 0:
                start = max(0, start - _LOOK_BACK)
                sealed = [record for _, record in self._read(reader, start, end) if record is not None and record.seal]
                if sealed:
                    return max(end_of(sealed[-1]), known, key=lambda link: link.place)
        return known

    @contextlib.contextmanager
    def _reader(self) -> Iterator[Consumer]:
        own: dict[str, str | int] = {"isolation.level": "read_committed", "enable.partition.eof": True}
        reader = Consumer(consumer_config(self._servers, "sluice-audit", self._group, own))
        try:
            yield reader
        finally:
            reader.close()

    def _ends(self) -> int:
        return KafkaAdmin(self._servers).ends({TOPIC: 1}).get((TOPIC, PARTITION), 0)

    def _read(self, reader: Consumer, start: int, end: int) -> Iterator[tuple[int, AuditRecorded | None]]:
        """From `start`, or from what retention has left."""
        reader.assign([TopicPartition(TOPIC, PARTITION, start)])
        while start < end:
            message = reader.poll(_SECONDS)
            if message is None:
                raise Unavailable("Kafka stopped answering while the audit log was read.")
            if message.error():
                return  # the end of what is committed
            start = int(message.offset() or 0) + 1
            try:
                event = self._codec.decode(message.value())
            except Rejected:
                event = None
            yield start - 1, event if isinstance(event, AuditRecorded) else None


class Auditor:
    """For processes that must not wait: marks are gathered for a second and appended by a thread.

    What cannot be written is kept, up to a limit, and tried again; `lost` counts what did not fit.
    """

    def __init__(self, append: Callable[[list[Mark]], object], pause: float = _GATHER_SECONDS) -> None:
        self._append, self._pause = append, pause
        self._waiting: queue.Queue[Mark | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._ending = threading.Event()
        self.lost = 0

    def start(self) -> None:
        """Once."""
        self._thread.start()

    def note(self, mark: Mark) -> None:
        """Never waits."""
        try:
            self._waiting.put_nowait(mark)
        except queue.Full:
            self.lost += 1

    def stop(self, seconds: float = _SECONDS) -> None:
        """Write what is left, for so long at most."""
        self._ending.set()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        held: list[Mark] = []
        while not (self._ending.is_set() and self._waiting.empty() and not held):
            held += self._gathered(wait=not held)
            if held:
                try:
                    self._append(held)
                    held = []
                except Unavailable:
                    if self._ending.wait(_LATER_SECONDS):
                        return

    def _gathered(self, *, wait: bool) -> list[Mark]:
        marks = []
        if wait and (first := self._waiting.get()) is not None:
            marks.append(first)
            self._ending.wait(self._pause)
        with contextlib.suppress(queue.Empty):
            while len(marks) < _MOST_WAITING:
                if (mark := self._waiting.get_nowait()) is not None:
                    marks.append(mark)
        return marks
