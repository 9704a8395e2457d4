"""What operators do to topics: create them as the catalogue says, list them, measure lag."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
)
from confluent_kafka.cimpl import NewTopic

from sluice.errors import ConfigurationError, Unavailable
from sluice.kafka_access import OPERATOR_GROUP
from sluice.kafka_config import Connection, Servers, client_config, consumer_config
from sluice.logs import Logger, fact
from sluice.tls import look_at, speaks_tls, trusting
from sluice.topics import Topic

_TIMEOUT_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_STEP_SECONDS = 2.0
_REFUSALS_BORNE = 15
"""A process may start before its user is made; after half a minute nobody makes it any more."""
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


class Unauthenticated(Unavailable):
    """Kafka does not take the user or its password."""


class KafkaAdmin:
    """Thin over librdkafka's AdminClient. Every call raises Unavailable where the broker is silent or refuses, and
    ConfigurationError where it shows a certificate that is no good.
    """

    def __init__(self, bootstrap_servers: Servers, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._servers = bootstrap_servers
        self._timeout = timeout_seconds
        self._heard: set[str] = set()
        self._met = False
        self._client = AdminClient(client_config(bootstrap_servers, "sluice-admin") | {"error_cb": self._hear})  # type: ignore[arg-type, unused-ignore]

    def partitions(self, timeout_seconds: float | None = None) -> dict[str, int]:
        """Topics of the cluster with their partition counts. Waits no longer once Kafka has said that we may not in."""
        left = timeout_seconds or self._timeout
        while True:
            try:
                found = self._client.list_topics(timeout=min(left, _STEP_SECONDS)).topics
                break
            except KafkaException as error:
                left -= _STEP_SECONDS
                remedy = "Start the platform with `make up`, or set SLUICE_BROKER."
                trouble = self._silent(f"No Kafka broker answers at {self._servers}. {remedy}")
                if left <= 0 or isinstance(trouble, Unauthenticated):
                    raise trouble from error
        self._met = True
        return {name: len(topic.partitions) for name, topic in found.items()}

    def cluster_id(self) -> str:
        """Kafka's own name of the cluster: state built from one cluster must not be used with another."""
        return str(self._answer(self._client.describe_cluster()).cluster_id)

    def apply(self, topics: Iterable[Topic], replication_factor: int) -> list[str]:
        """Create what is missing; topics that exist get the retention of the catalogue. Gives the names of topics made.

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
        self._align([topic for name, topic in wanted.items() if name in existing])
        return made

    def _align(self, topics: list[Topic]) -> None:
        """Bring the configuration of topics that exist up to date, where it differs."""
        asked = {ConfigResource(ConfigResource.Type.TOPIC, topic.name): topic for topic in topics}
        found = self._client.describe_configs([*asked]) if asked else {}
        changes = []
        for resource, answer in found.items():
            now = self._answer(answer)
            wrong = {name: value for name, value in asked[resource].kafka_config.items() if now[name].value != value}
            entries = [
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in wrong.items()
            ]
            if entries:
                changes.append(ConfigResource(ConfigResource.Type.TOPIC, resource.name, incremental_configs=entries))
        for answer in (self._client.incremental_alter_configs(changes) if changes else {}).values():
            self._answer(answer)

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

    def cut(self, topic: str, partition: int, before: int) -> None:
        """Remove the records of a partition before an offset, for good."""
        (answer,) = self._client.delete_records([TopicPartition(topic, partition, before)]).values()
        self._answer(answer)

    def record_time_ms(self, topic: str, partition: int, offset: int) -> int | None:
        """The log's time of the record at or after an offset; None where there is none."""
        config = consumer_config(self._servers, "sluice-lag", OPERATOR_GROUP, {"enable.partition.eof": True})
        reader = Consumer(config)
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

    def refusal(self, error: KafkaError) -> Unavailable:
        """In words, with what to do."""
        return self._unavailable(KafkaException(error))

    def _answer(self, asked: "Future[Any]") -> Any:
        try:
            return asked.result(self._timeout)
        except (KafkaException, TimeoutError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: KafkaException | TimeoutError) -> Unavailable:
        name = _name(error)
        if name in _SILENT:
            return self._silent(f"No Kafka broker answers at {self._servers}.")
        return Unavailable(f"Kafka at {self._servers} says {name}.{self._remedy(name)}")

    def _remedy(self, name: str) -> str:
        if name == "SECURITY_DISABLED":
            return " It checks nobody's rights: SLUICE_SECURE=1 with `make up`, or give your cluster an authorizer."
        if not name.endswith("AUTHORIZATION_FAILED"):
            return ""
        user = f"User {self._servers.user}" if isinstance(self._servers, Connection) else "This user"
        return f" {user} may not do this: `sluice topics acls` lists who may what, `--apply` puts it in force."

    def _hear(self, error: KafkaError) -> None:
        self._heard.add(str(error.name()))

    def _silent(self, words: str) -> Unavailable:
        """Why nobody answers: librdkafka tells apart who is not let in only beside its answers."""
        self._client.poll(0)
        heard, self._heard = self._heard, set()
        known = self._servers if isinstance(self._servers, Connection) else Connection(self._servers, "PLAINTEXT")
        host, _, port = str(known).split(",")[0].strip().rpartition(":")
        if "_AUTHENTICATION" in heard:
            return Unauthenticated(
                f"Kafka at {known} does not take user {known.user} with the password given. Look at "
                "SLUICE_KAFKA_USER and SLUICE_KAFKA_PASSWORD_FILE; the built-in Kafka gets its users from `make up`."
            )
        if known.encrypted and "_SSL" in heard:
            complaint = look_at(host, int(port), trusting(known.ca_file))
            if complaint is not None:
                raise ConfigurationError(f"Kafka: {complaint}")
        if not known.encrypted and not self._met and port.isdigit() and speaks_tls(host, int(port)):
            raise ConfigurationError(f"Kafka at {known} speaks TLS. Set SLUICE_SECURE=1, or SLUICE_KAFKA_PROTOCOL.")
        return Unavailable(words)


def _name(error: KafkaException | TimeoutError) -> str:
    return str(error.args[0].name()) if isinstance(error, KafkaException) else "_TIMED_OUT"


def wait_for_topics(
    admin: KafkaAdmin, topics: Iterable[str], pause: Callable[[float], None] = time.sleep, log: Logger | None = None
) -> None:
    """Returns once all are there: a process may start before its broker, and before its topics and users are made.

    Raises ConfigurationError where the broker is not to be trusted, or does not let us in for long.
    """
    wanted = set(topics)
    told, refused = "", 0
    while True:
        try:
            missing = wanted - admin.partitions(timeout_seconds=2.0).keys()
            if not missing:
                return
            reason = f"{len(missing)} topics are not there, or not for this user to see"
        except Unavailable as error:
            reason = str(error)
            refused += isinstance(error, Unauthenticated)
            if refused > _REFUSALS_BORNE:
                raise ConfigurationError(reason) from None
        if log is not None and reason != told:
            log.info("waiting for Kafka", reason=fact(reason))
        told = reason
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
