"""Doubles of the sink's surroundings: a consumer with a script, an office that keeps letters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from sluice.dead_letters import Origin
from sluice.errors import Rejected, RejectReason, Unavailable


@dataclass
class FakeMessage:
    """What the sink reads of a confluent_kafka.Message."""

    topic_name: str
    at: int
    content: bytes | None = None
    number: int = 0
    failure: KafkaError | None = None
    sent_headers: list[tuple[str, bytes]] | None = None

    def topic(self) -> str:
        return self.topic_name

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.at

    def value(self) -> bytes | None:
        return self.content

    def key(self) -> bytes:
        return b"s-1"

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self.sent_headers

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_772_366_400_000

    def error(self) -> KafkaError | None:
        return self.failure


@dataclass
class ScriptedConsumer:
    """Gives each step of the script: a message, several, or something to do. After the last it says `done`."""

    script: list[Any]
    done: Callable[[], None]
    stored: list[TopicPartition] = field(default_factory=list)
    commits: list[dict[tuple[str, int], int]] = field(default_factory=list)
    failures: int = 0
    end: int = 1_000_000
    """Of each partition."""
    assigned: list[TopicPartition] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    on_assign: Any = None
    on_revoke: Any = None
    on_lost: Any = None

    def subscribe(self, _topics: list[str], on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_assign, self.on_revoke, self.on_lost = on_assign, on_revoke, on_lost

    def consume(self, _most: int, _timeout: float) -> list[FakeMessage]:
        if not self.script:
            self.done()
            return []
        step = self.script.pop(0)
        if isinstance(step, FakeMessage):
            return [step]
        if isinstance(step, list):
            return step
        step(self)
        return []

    def committed(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        known = {(tp.topic, tp.partition): tp for tp in self.stored}
        return [known.get((tp.topic, tp.partition), TopicPartition(tp.topic, tp.partition, -1001)) for tp in partitions]

    def get_watermark_offsets(self, _partition: TopicPartition, _timeout: float) -> tuple[int, int]:
        return 0, self.end

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = partitions

    def assignment(self) -> list[TopicPartition]:
        return self.assigned

    def pause(self, _partitions: list[TopicPartition]) -> None:
        self.calls.append("pause")

    def resume(self, _partitions: list[TopicPartition]) -> None:
        self.calls.append("resume")

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        if self.failures:
            self.failures -= 1
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        fresh = {(tp.topic, tp.partition) for tp in offsets}
        self.stored = [tp for tp in self.stored if (tp.topic, tp.partition) not in fresh] + offsets
        self.commits.append({(tp.topic, tp.partition): tp.offset for tp in offsets})


@dataclass
class KeptLetters:
    """A DeadLetterOffice; `away` makes so many settlements fail."""

    letters: list[tuple[Origin, RejectReason]] = field(default_factory=list)
    away: int = 0

    def put(self, origin: Origin, rejected: Rejected) -> None:
        self.letters.append((origin, rejected.reason))

    def settle(self) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("kafka: away")
