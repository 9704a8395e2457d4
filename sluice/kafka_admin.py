"""What operators do to topics: create them as the catalogue says, list them, measure lag."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from sluice.errors import ConfigurationError, Unavailable
from sluice.kafka_config import client_config, consumer_config
from sluice.topics import Topic

_TIMEOUT_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_SILENT = {"_TIMED_OUT", "_TRANSPORT", "_ALL_BROKERS_DOWN", "_RESOLVE"}
_LEADER_MOVES = {
    "NOT_LEADER_FOR_PARTITION",
    "LEADER_NOT_AVAILABLE",
    "UNKNOWN_LEADER_EPOCH",
    "FENCED_LEADER_EPOCH",
    "UNKNOWN_TOPIC_OR_PART",
}


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """How far a consumer group is behind in one partition."""

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int
    lag_seconds: float | None
    state: str


class KafkaAdmin:
    """Thin over librdkafka's AdminClient. Every call raises Unavailable where the broker is silent or refuses."""

    def __init__(self, bootstrap_servers: str, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._servers = bootstrap_servers
        self._timeout = timeout_seconds
        self._client = AdminClient(client_config(bootstrap_servers, "sluice-admin"))

    def partitions(self, timeout_seconds: float | None = None) -> dict[str, int]:
        """Topics of the cluster with their partition counts."""
        try:
            found = self._client.list_topics(timeout=timeout_seconds or self._timeout).topics
        except KafkaException as error:
            raise Unavailable(
                f"No Kafka broker answers at {self._servers}. Start the platform with `make up`, or set SLUICE_BROKER."
            ) from error
        return {name: len(topic.partitions) for name, topic in found.items()}

    def cluster_id(self) -> str:
        """Kafka's own name of the cluster: state built from one cluster must not be used with another."""
        return str(self._answer(self._client.describe_cluster()).cluster_id)

    def apply(self, topics: Iterable[Topic], replication_factor: int) -> list[str]:
        """Create what is missing; topics that exist stay as they are. Gives the names of topics made.

        Raises ConfigurationError where a topic exists with another partition count: sessions would move.
        """
        wanted = {topic.name: topic for topic in topics}
        existing = self.partitions()
        for name, topic in wanted.items():
            if name in existing and existing[name] != topic.partitions:
                raise ConfigurationError(
                    f"Topic {name} has {existing[name]} partitions, the catalogue says {topic.partitions}. "
                    "Sessions would change their partition: use a fresh cluster, or set the catalogue to the old count."
                )
        missing = [
            NewTopic(
                name,
                num_partitions=topic.partitions,
                replication_factor=replication_factor,
                config=topic.kafka_config,
            )
            for name, topic in wanted.items()
            if name not in existing
        ]
        made = []
        for name, future in self._client.create_topics(missing).items() if missing else ():
            try:
                future.result(self._timeout * 3)
                made.append(name)
            except (KafkaException, TimeoutError) as error:
                if _name(error) != "TOPIC_ALREADY_EXISTS":
                    raise Unavailable(f"Topic {name} could not be created: {error}") from error
        return made

    def groups(self) -> list[str]:
        """Consumer groups of the cluster."""
        return sorted(group.group_id for group in self._answer(self._client.list_consumer_groups()).valid)

    def ends(self, topics: Mapping[str, int]) -> dict[tuple[str, int], int]:
        """End offset of each partition of the topics (name to partition count). Waits while a leader moves."""
        wanted = {TopicPartition(name, p): _latest() for name, count in topics.items() for p in range(count)}
        deadline = time.monotonic() + self._timeout
        while True:
            futures = self._client.list_offsets(wanted) if wanted else {}
            try:
                return {(tp.topic, tp.partition): f.result(self._timeout).offset for tp, f in futures.items()}
            except (KafkaException, TimeoutError) as error:
                if _name(error) not in _LEADER_MOVES or time.monotonic() > deadline:
                    raise self._unavailable(error) from error
                time.sleep(_PAUSE_SECONDS)

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        """Committed offset of each partition the group has read."""
        asked = [ConsumerGroupTopicPartitions(group)]
        found = self._answer(self._client.list_consumer_group_offsets(asked)[group])
        return {(tp.topic, tp.partition): tp.offset for tp in found.topic_partitions if tp.offset >= 0}

    def group_state(self, group: str) -> str:
        """As Kafka names it: STABLE, EMPTY, ..."""
        described = self._answer(self._client.describe_consumer_groups([group])[group])
        return str(described.state.name)

    def record_time_ms(self, topic: str, partition: int, offset: int) -> int | None:
        """The log's time of the record at or after an offset; None where there is none."""
        reader = Consumer(consumer_config(self._servers, "sluice-lag", "sluice-lag", {"enable.partition.eof": True}))
        try:
            reader.assign([TopicPartition(topic, partition, offset)])
            message = reader.poll(self._timeout)
            if message is None:
                raise self._unavailable(TimeoutError())
            error = message.error()
            if error is None:
                return int(message.timestamp()[1])
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 (librdkafka's own name)
                return None
            raise self._unavailable(KafkaException(error))
        finally:
            reader.close()

    def _answer(self, asked: "Future[Any]") -> Any:
        try:
            return asked.result(self._timeout)
        except (KafkaException, TimeoutError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: KafkaException | TimeoutError) -> Unavailable:
        if _name(error) in _SILENT:
            return Unavailable(f"No Kafka broker answers at {self._servers}.")
        return Unavailable(f"Kafka at {self._servers} says {_name(error)}.")


def _name(error: KafkaException | TimeoutError) -> str:
    return str(error.args[0].name()) if isinstance(error, KafkaException) else "_TIMED_OUT"


def wait_for_topics(admin: KafkaAdmin, topics: Iterable[str], pause: Callable[[float], None] = time.sleep) -> None:
    """Returns once all are there: a process may start before its broker, and before its topics are made."""
    wanted = set(topics)
    while True:
        try:
            if wanted <= admin.partitions(timeout_seconds=2.0).keys():
                return
        except Unavailable:
            pass
        pause(_PAUSE_SECONDS)


def lag(admin: KafkaAdmin, topics: Iterable[str], now_ms: int) -> list[PartitionLag]:
    """Lag of every group in every partition it has committed, in records and in seconds."""
    known = admin.partitions()
    ends = admin.ends({name: known[name] for name in topics if name in known})
    rows = []
    for group in admin.groups():
        state = admin.group_state(group)
        for (topic, partition), offset in sorted(admin.committed(group).items()):
            if (topic, partition) not in ends:
                continue
            end = ends[topic, partition]
            behind = max(0, end - offset)
            first = admin.record_time_ms(topic, partition, offset) if behind else now_ms
            seconds = None if first is None else max(0.0, (now_ms - first) / 1000)
            rows.append(PartitionLag(group, topic, partition, offset, end, behind, seconds, state))
    return rows


def _latest() -> OffsetSpec:
    spec: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    return spec
