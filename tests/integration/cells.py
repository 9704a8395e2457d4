"""Real attempts at Kafka as one user: what Kafka said to each, by the name of the thing.

An attempt gives None where it went through, else the name of Kafka's error. Those that would destroy something are only
made by `destructive`, for things that the user must not touch.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    OffsetSpec,
)
from confluent_kafka.cimpl import NewTopic

from sluice.kafka_config import Connection, client_config, consumer_config, producer_config
from sluice.topics import catalogue
from tests.integration.bare_requests import describe_acls, fetch, produce

Said = dict[str, str | None]
_SECONDS = 20.0
_HARMLESS_DELETIONS = {"OFFSET_OUT_OF_RANGE", "POLICY_VIOLATION"}
"""Records before the first that is kept, and of a topic that is only compacted."""
_LOUD = logging.getLogger("cells")
_LOUD.addHandler(logging.NullHandler())
_LOUD.propagate = False


@dataclass
class Attempts:
    """One user. `group` is its own, `readable` a topic that it may read."""

    connection: Connection
    group: str
    readable: str
    admin: AdminClient = field(init=False)

    def __post_init__(self) -> None:
        self.admin = AdminClient(client_config(self.connection, "cells"))

    # -- topics

    def read(self, topics: Collection[str]) -> Said:
        """From the beginning."""
        return fetch(self.connection, topics)

    def write(self, topics: Collection[str]) -> Said:
        """A record without a value."""
        return produce(self.connection, topics)

    def describe(self, topics: Collection[str]) -> Said:
        """Its end offset."""
        wanted = {TopicPartition(topic, 0): OffsetSpec.latest() for topic in topics}
        return {place.topic: error_of(asked) for place, asked in self.admin.list_offsets(wanted).items()}

    def describe_configs(self, topics: Collection[str]) -> Said:
        """All of its settings."""
        asked = self.admin.describe_configs([ConfigResource("TOPIC", topic) for topic in topics])
        return {resource.name: error_of(future) for resource, future in asked.items()}

    def alter_configs(self, topics: Collection[str]) -> Said:
        """Another retention, only validated: Kafka asks for the right all the same."""
        entry = ConfigEntry("retention.ms", "60000", incremental_operation=AlterConfigOpType.SET)
        wanted = [ConfigResource("TOPIC", topic, incremental_configs=[entry]) for topic in topics]
        asked = self.admin.incremental_alter_configs(wanted, validate_only=True)
        return {resource.name: error_of(future) for resource, future in asked.items()}

    def alter(self, topics: Collection[str]) -> Said:
        """One more partition, only validated."""
        counts = {name: topic.partitions for name, topic in catalogue().items()}
        wanted = [NewPartitions(topic, counts.get(topic, 1) + 1) for topic in topics]
        return errors_of(self.admin.create_partitions(wanted, validate_only=True))

    def create(self, topics: Collection[str]) -> Said:
        """Only validated; what exists already may be made by who may make it."""
        wanted = [NewTopic(topic, 1, 1) for topic in topics]
        said = errors_of(self.admin.create_topics(wanted, validate_only=True))
        return {topic: None if error == "TOPIC_ALREADY_EXISTS" else error for topic, error in said.items()}

    def delete(self, topics: Collection[str]) -> Said:
        """All records before the first: none."""
        asked = self.admin.delete_records([TopicPartition(topic, 0, 0) for topic in topics])
        said = {place.topic: error_of(future) for place, future in asked.items()}
        return {topic: None if error in _HARMLESS_DELETIONS else error for topic, error in said.items()}

    # -- groups

    def commit(self, groups: Collection[str]) -> Said:
        """An offset of a topic it may read. A group with members takes it from those only: then it was let through."""
        said: Said = {}
        for group in groups:
            offsets = ConsumerGroupTopicPartitions(group, [TopicPartition(self.readable, 0, 0)])
            (asked,) = self.admin.alter_consumer_group_offsets([offsets]).values()
            error = error_of(asked)
            if error is None:
                (place,) = asked.result().topic_partitions
                error = str(place.error.name()) if place.error is not None else None
            said[group] = None if error == "UNKNOWN_MEMBER_ID" else error
        return said

    def look_at(self, groups: Collection[str]) -> Said:
        """State and members. Whose topics are not to be seen was let through to the group itself."""
        said = errors_of(self.admin.describe_consumer_groups(list(groups)))
        return {group: None if error == "TOPIC_AUTHORIZATION_FAILED" else error for group, error in said.items()}

    def join(self, group: str) -> str | None:
        """By subscribing. None where partitions came."""
        consumer = Consumer(consumer_config(self.connection, "cells", group))
        came: list[int] = []
        consumer.subscribe([self.readable], on_assign=lambda _consumer, given: came.append(len(given)))
        deadline = time.monotonic() + _SECONDS
        try:
            while not came and time.monotonic() < deadline:
                message = consumer.poll(0.2)
                error = message.error() if message is not None else None
                if error is not None:
                    return str(error.name())
        finally:
            consumer.close()
        return None if came else "_TIMED_OUT"

    # -- the cluster

    def cluster(self) -> Mapping[str, str | None]:
        """By operation; nothing is changed by those that go through."""
        entry = ConfigEntry("log.retention.ms", "60000", incremental_operation=AlterConfigOpType.SET)
        broker = ConfigResource("BROKER", "1", incremental_configs=[entry])
        own = AclBinding("TOPIC", "a-topic-of-nobody", "LITERAL", "User:nobody", "*", "READ", "ALLOW")
        made = error_of(self.admin.create_acls([own])[own])
        if made is None:
            (gone,) = self.admin.delete_acls([AclBindingFilter(*own._to_tuple())]).values()
            assert error_of(gone) is None
        return {
            "describe": describe_acls(self.connection),
            "alter": made,
            "create": self.create(["a-topic-of-nobody"])["a-topic-of-nobody"],
            "describe_configs": error_of(self.admin.describe_configs([ConfigResource("BROKER", "1")])[broker]),
            "alter_configs": error_of(self.admin.incremental_alter_configs([broker], validate_only=True)[broker]),
        }

    def begin_transactions(self, name: str) -> str | None:
        """Taken from whoever has this transactional id now; who needs it takes it back."""
        producer = Producer(producer_config(self.connection, "cells") | {"transactional.id": name}, logger=_LOUD)
        try:
            producer.init_transactions(_SECONDS)
        except KafkaException as error:
            return str(error.args[0].name())
        return None

    # -- what would destroy

    def destroy_topics(self, topics: Collection[str]) -> Said:
        """Whole topics. Only for those that it must not be able to."""
        return errors_of(self.admin.delete_topics(list(topics)) if topics else {})

    def destroy_groups(self, groups: Collection[str]) -> Said:
        """Whole groups. Only for those that it must not be able to."""
        return errors_of(self.admin.delete_consumer_groups(list(groups)) if groups else {})


TOPIC_ATTEMPTS: Mapping[str, Callable[[Attempts, Collection[str]], Said]] = {
    "read": Attempts.read,
    "write": Attempts.write,
    "describe": Attempts.describe,
    "describe_configs": Attempts.describe_configs,
    "alter_configs": Attempts.alter_configs,
    "alter": Attempts.alter,
    "create": Attempts.create,
    "delete": Attempts.delete,
}


def errors_of(asked: Mapping[str, "Future[Any]"]) -> Said:
    return {name: error_of(future) for name, future in asked.items()}


def error_of(asked: "Future[Any]") -> str | None:
    try:
        asked.result(_SECONDS)
    except KafkaException as error:
        return str(error.args[0].name())
    return None


def is_refusal(said: str | None) -> bool:
    return said is not None and said.endswith("AUTHORIZATION_FAILED")


def differences(wanted: Iterable[tuple[str, bool]], said: Mapping[str, str | None], what: str) -> list[str]:
    """What is not as granted: for each name whether it is allowed, against what Kafka said."""
    wrong = []
    for name, is_allowed in wanted:
        answer = said.get(name, "no answer")
        fine = answer is None if is_allowed else is_refusal(answer)
        if not fine:
            wrong.append(f"{what} {name}: {'granted' if is_allowed else 'not granted'}, Kafka said {answer}")
    return wrong
