"""Who may do what at Kafka, from `avro/topics.yaml` alone: what is not here is refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from sluice.errors import ConfigurationError
from sluice.topics import catalogue, principals

Resource = Literal["topic", "group", "cluster", "transactional_id"]
Operation = Literal["read", "write", "create", "delete", "alter", "describe", "describe_configs", "alter_configs"]
CLUSTER = "kafka-cluster"
"""As Kafka names the one resource of that kind."""
_IMPLIED_BY: dict[Operation, tuple[Operation, ...]] = {
    "describe": ("read", "write", "delete", "alter"),
    "describe_configs": ("alter_configs",),
}
"""Source: AclOperation of Kafka. `describe` lets see that a thing is there, and how far it goes."""
_EVERY: dict[str, dict[Resource, tuple[Operation, ...]]] = {
    "operator": {"topic": ("read", "describe_configs"), "group": ("describe",), "cluster": ("describe",)},
    "admin": {
        "topic": ("read", "write", "create", "delete", "alter", "alter_configs"),
        "group": ("read", "delete"),
        "cluster": ("alter",),
    },
}
"""What roles of people may do with all topics of the catalogue, all groups of its principals, and the cluster."""
_NOT_WHERE_APPENDED = ("write", "delete", "alter")


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One thing that one principal may do. Names are whole: no pattern, no wildcard."""

    principal: str
    resource: Resource
    name: str
    operation: Operation


@cache
def grants() -> frozenset[Grant]:
    """All there are. Raises ConfigurationError where a topic names somebody who is not among the principals."""
    known = principals()
    found = {Grant(name, "group", group, "read") for name, one in known.items() for group in one.groups}
    for topic in catalogue().values():
        strangers = topic.principals - known.keys()
        if strangers:
            raise ConfigurationError(
                f"avro/topics.yaml: {topic.name} names {', '.join(sorted(strangers))}, who is not among its principals."
            )
        found |= {Grant(name, "topic", topic.name, "write") for name in topic.producers}
        if topic.transactional_id is not None:
            found |= {Grant(name, "transactional_id", topic.transactional_id, "write") for name in topic.producers}
        found |= {Grant(name, "topic", topic.name, "read") for name in (*topic.consumers, *topic.looked_up_by)}
        found |= {Grant(name, "topic", topic.name, "delete") for name in topic.cut_by}
        found |= {Grant(name, "topic", topic.name, "describe") for name in topic.measured_by}
    things: dict[Resource, list[str]] = {
        "topic": [*catalogue()],
        "group": [group for one in known.values() for group in one.groups],
        "cluster": [CLUSTER],
    }
    for name, one in known.items():
        found |= {Grant(name, "group", known[other].group, "describe") for other in one.watches}
        for resource, operations in (_EVERY[one.role] if one.role else {}).items():
            found |= {
                Grant(name, resource, thing, what)
                for thing in things[resource]
                for what in operations
                if not (resource == "topic" and catalogue()[thing].append_only and what in _NOT_WHERE_APPENDED)
            }
    return frozenset(found)


def allowed(wanted: Grant, given: Iterable[Grant]) -> bool:
    """Whether it is among what is given, or follows from it."""
    enough = (wanted.operation, *_IMPLIED_BY.get(wanted.operation, ()))
    return any(
        (one.principal, one.resource, one.name) == (wanted.principal, wanted.resource, wanted.name)
        and one.operation in enough
        for one in given
    )
