"""The catalogue of topics, read from `avro/topics.yaml`."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import yaml

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
]
DEAD_LETTER_SUFFIX = "-dlq"


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
    cleanup_policy: str = "delete"

    @property
    def kafka_config(self) -> dict[str, str]:
        """Topic-level configuration as Kafka names it."""
        retention_ms = self.retention_hours * 3_600_000 if self.retention_hours else -1
        return {"retention.ms": str(retention_ms), "cleanup.policy": self.cleanup_policy}


def dead_letter_topic(origin: str) -> str:
    """Where the rejected records of a topic go."""
    return origin + DEAD_LETTER_SUFFIX


@cache
def catalogue() -> dict[str, Topic]:
    """All topics by name, dead-letter topics and changelogs included."""
    document = yaml.safe_load((data_folder("avro") / "topics.yaml").read_text())
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
            producers=tuple(entry["producers"]),
            consumers=tuple(entry["consumers"]),
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
            producers=topic.consumers,
            consumers=("connectors",),
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
            producers=(entry["owner"],),
            consumers=(entry["owner"],),
            cleanup_policy="compact",
        )
    return topics


@cache
def topic_of(event_name: str) -> str:
    """The one topic that carries an event. Dead letters have many, so they have none here."""
    return next(topic.name for topic in catalogue().values() if event_name in topic.events)
