"""The catalogue of topics, read from `avro/topics.yaml`."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from sluice.catalogue_file import catalogue_file
from sluice.contracts import Compatibility

DEAD_LETTER_SUFFIX = "-dlq"
_FORGOTTEN_MS = str(24 * 3_600_000)
"""What a tombstone says is gone leaves the log after a day at most."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One line of the catalogue."""

    name: str
    events: tuple[str, ...]
    key: str
    partitions: int
    retention_hours: int  # 0: for ever
    pii: str
    owner: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    looked_up_by: tuple[str, ...] = ()
    measured_by: tuple[str, ...] = ()
    cut_by: tuple[str, ...] = ()
    append_only: bool = False
    transactional_id: str | None = None
    goes_with: str | None = None
    """The store whose retention ends what a changelog holds."""
    cleanup_policy: str = "delete"
    purpose: str = ""
    compatibility: Compatibility = "full_transitive"
    """How the schemas of its events may change."""

    @property
    def principals(self) -> frozenset[str]:
        """Whoever may do something with it, roles of people apart."""
        return frozenset({*self.producers, *self.consumers, *self.looked_up_by, *self.measured_by, *self.cut_by})

    @property
    def kafka_config(self) -> dict[str, str]:
        """Topic-level configuration as Kafka names it."""
        retention_ms = self.retention_hours * 3_600_000 if self.retention_hours else -1
        config = {"retention.ms": str(retention_ms), "cleanup.policy": self.cleanup_policy}
        return config | ({"max.compaction.lag.ms": _FORGOTTEN_MS} if self.cleanup_policy == "compact" else {})


@dataclass(frozen=True, slots=True)
class Principal:
    """A service, or a role of people."""

    group: str
    role: Literal["operator", "admin"] | None = None
    watches: tuple[str, ...] = ()
    more_groups: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """All that it may join."""
        return (self.group, *self.more_groups)


def dead_letter_topic(origin: str) -> str:
    """Where the rejected records of a topic go."""
    return origin + DEAD_LETTER_SUFFIX


@cache
def catalogue() -> dict[str, Topic]:
    """All topics by name, dead-letter topics and changelogs included. Raises ConfigurationError."""
    document = catalogue_file()
    topics: dict[str, Topic] = {}
    for own_name, entry in document.topics.items():
        topics[own_name] = Topic(
            name=own_name,
            events=entry.events,
            key=entry.key,
            partitions=entry.partitions or document.chat_partitions,
            retention_hours=entry.retention_hours,
            pii=entry.pii,
            owner=entry.owner,
            purpose=entry.purpose,
            producers=entry.producers,
            consumers=entry.consumers,
            looked_up_by=entry.looked_up_by,
            measured_by=entry.measured_by,
            append_only=entry.append_only,
            transactional_id=entry.transactional_id,
            compatibility=entry.compatibility or document.compatibility,
        )
    letters = document.dead_letters
    for topic in [*topics.values()]:
        name = dead_letter_topic(topic.name)
        topics[name] = Topic(
            name=name,
            events=letters.events,
            key=letters.key,
            partitions=letters.partitions,
            retention_hours=letters.retention_hours,
            pii=letters.pii,
            owner=topic.owner,
            purpose=letters.purpose,
            producers=(*topic.consumers, *(name for name in letters.cut_by if name not in topic.consumers)),
            consumers=("connectors",),
            looked_up_by=letters.cut_by,
            compatibility=topics[topic.name].compatibility,
            cut_by=letters.cut_by,
        )
    for name, changelog in document.changelogs.items():
        topics[name] = Topic(
            name=name,
            events=(),
            key=changelog.key,
            partitions=document.chat_partitions,
            retention_hours=0,
            pii=changelog.pii,
            owner=changelog.owner,
            purpose=changelog.purpose,
            goes_with=changelog.goes_with,
            producers=(changelog.owner,),
            consumers=(changelog.owner,),
            cleanup_policy="compact",
        )
    return topics


@cache
def principals() -> dict[str, Principal]:
    """Who comes to Kafka, by name."""
    return {
        name: Principal(entry.group, entry.role, entry.watches, entry.more_groups)
        for name, entry in catalogue_file().principals.items()
    }


@cache
def compatibility_of_events() -> dict[str, Compatibility]:
    """How the schema of each event may change."""
    return {event: topic.compatibility for topic in catalogue().values() for event in topic.events}


@cache
def seen_by(principal: str) -> frozenset[str]:
    """Topics that a service has to do with. With access control it knows of no other."""
    return frozenset(name for name, topic in catalogue().items() if principal in topic.principals)


@cache
def topic_of(event_name: str) -> str:
    """The one topic that carries an event. Dead letters have many, so they have none here."""
    return next(topic.name for topic in catalogue().values() if event_name in topic.events)
