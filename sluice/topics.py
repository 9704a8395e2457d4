"""The catalogue of topics, read from `avro/topics.yaml`."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast, get_args

import yaml

from sluice.contracts import Compatibility
from sluice.errors import ConfigurationError
from sluice.paths import data_folder

TopicName = Literal[
    "chat-requests",
    "chat-enriched",
    "chat-prompts",
    "chat-replies",
    "chat-turns",
    "chat-controls",
    "llm-usage",
    "turn-telemetry",
    "audit-log",
    "erasure-requests",
    "housekeeping",
]
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
def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((data_folder("avro") / "topics.yaml").read_text())
    return document


@cache
def catalogue() -> dict[str, Topic]:
    """All topics by name, dead-letter topics and changelogs included."""
    document = _document()
    topics: dict[str, Topic] = {}
    for name, entry in document["topics"].items():
        topics[name] = Topic(
            name=name,
            events=tuple(entry["events"]),
            key=entry["key"],
            partitions=entry.get("partitions", document["chat_partitions"]),
            retention_hours=entry["retention_hours"],
            pii=entry["pii"],
            owner=entry["owner"],
            purpose=entry["purpose"],
            producers=tuple(entry["producers"]),
            consumers=tuple(entry["consumers"]),
            looked_up_by=tuple(entry.get("looked_up_by", ())),
            measured_by=tuple(entry.get("measured_by", ())),
            append_only=entry.get("append_only", False),
            transactional_id=entry.get("transactional_id"),
            compatibility=_compatibility(name, entry.get("compatibility", document["compatibility"])),
        )
    letters = document["dead_letters"]
    for topic in [*topics.values()]:
        name = dead_letter_topic(topic.name)
        topics[name] = Topic(
            name=name,
            events=tuple(letters["events"]),
            key=letters["key"],
            partitions=letters["partitions"],
            retention_hours=letters["retention_hours"],
            pii=letters["pii"],
            owner=topic.owner,
            purpose=letters["purpose"],
            producers=(*topic.consumers, *(name for name in letters["cut_by"] if name not in topic.consumers)),
            consumers=("connectors",),
            looked_up_by=tuple(letters["cut_by"]),
            compatibility=topics[topic.name].compatibility,
            cut_by=tuple(letters["cut_by"]),
        )
    for name, entry in document["changelogs"].items():
        topics[name] = Topic(
            name=name,
            events=(),
            key=entry["key"],
            partitions=document["chat_partitions"],
            retention_hours=0,
            pii=entry["pii"],
            owner=entry["owner"],
            purpose=entry["purpose"],
            goes_with=entry["goes_with"],
            producers=(entry["owner"],),
            consumers=(entry["owner"],),
            cleanup_policy="compact",
        )
    return topics


def _compatibility(topic: str, mode: str) -> Compatibility:
    known = get_args(Compatibility)
    if mode not in known:
        raise ConfigurationError(f"avro/topics.yaml: compatibility of {topic} is {mode}; there is {', '.join(known)}.")
    return cast(Compatibility, mode)


@cache
def principals() -> dict[str, Principal]:
    """Who comes to Kafka, by name."""
    return {
        name: Principal(
            entry["group"], entry.get("role"), tuple(entry.get("watches", ())), tuple(entry.get("more_groups", ()))
        )
        for name, entry in _document()["principals"].items()
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
