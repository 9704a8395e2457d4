"""Brings a cluster's users and access control in line with the catalogue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from sluice.grants import Grant, Resource
from sluice.kafka_access import BROKER, USER_PREFIX, user_of
from sluice.kafka_admin import KafkaAdmin

_TYPES: dict[Resource, ResourceType] = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "cluster": ResourceType.BROKER,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
}
_ANYTHING: Any = None
_EVERYTHING = AclBindingFilter(
    ResourceType.ANY,
    _ANYTHING,
    ResourcePatternType.ANY,
    _ANYTHING,
    _ANYTHING,
    AclOperation.ANY,
    AclPermissionType.ANY,
)
_ITERATIONS = 4096
"""Kafka's least. Passwords of 256 bits need no slow hash, and every connection pays for it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Between what is granted and what is in force. `foreign` is of users that are not ours, on things that are."""

    missing: tuple[AclBinding, ...]
    surplus: tuple[AclBinding, ...]
    foreign: tuple[AclBinding, ...]

    def __bool__(self) -> bool:
        """Whether there is something to do."""
        return bool(self.missing or self.surplus)


class AccessAdmin(KafkaAdmin):
    """Every call raises Unavailable where the broker is silent or refuses."""

    def difference(self, grants: Iterable[Grant]) -> Difference:
        """What `apply_access` would do. Users whose name begins like ours are ours, the broker's own excepted."""
        self._check_sight()
        found = set(self._answer(self._client.describe_acls(_EVERYTHING)))
        wanted = {_binding(grant) for grant in grants}
        things = {(one.restype, one.name) for one in wanted}
        ours = {one for one in found if _is_ours(one.principal)}
        foreign = {one for one in found - ours if (one.restype, one.name) in things or _is_pattern(one)}
        return Difference(*(tuple(sorted(some)) for some in (wanted - ours, ours - wanted, foreign)))

    def _check_sight(self) -> None:
        """Librdkafka takes a refusal to show what is in force for an empty list."""
        asked = self._client.describe_cluster(include_authorized_operations=True)
        if AclOperation.DESCRIBE not in (self._answer(asked).authorized_operations or ()):
            raise self._unavailable(KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED)))

    def apply_access(self, difference: Difference) -> None:
        """New rights first: who keeps a right under another form never loses it in between."""
        for asked in self._client.create_acls(list(difference.missing)).values() if difference.missing else ():
            self._answer(asked)
        surplus = [AclBindingFilter(*one._to_tuple()) for one in difference.surplus]  # noqa: SLF001 (its only way out)
        for asked in self._client.delete_acls(surplus).values() if surplus else ():
            self._answer(asked)

    def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """By principal. Users that are there get this password, the others are made."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
        changes: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(user_of(name), info, password.encode()) for name, password in passwords.items()
        ]
        for asked in self._client.alter_user_scram_credentials(changes).values():
            self._answer(asked)


def words_of(binding: Any) -> str:
    """For people: `sluice-redact read topic chat-enriched`."""
    kind = "cluster" if binding.restype is ResourceType.BROKER else binding.restype.name.lower()
    denied = "" if binding.permission_type is AclPermissionType.ALLOW else "NOT "
    whole = "" if binding.resource_pattern_type is ResourcePatternType.LITERAL else "... "
    who = binding.principal.removeprefix("User:")
    return f"{who} {denied}{binding.operation.name.lower()} {kind} {binding.name} {whole}".rstrip()


def _binding(grant: Grant) -> AclBinding:
    return AclBinding(
        _TYPES[grant.resource],
        grant.name,
        ResourcePatternType.LITERAL,
        f"User:{user_of(grant.principal)}",
        "*",
        AclOperation[grant.operation.upper()],
        AclPermissionType.ALLOW,
    )


def _is_ours(principal: str) -> bool:
    return principal.startswith(f"User:{USER_PREFIX}") and principal != f"User:{user_of(BROKER)}"


def _is_pattern(binding: AclBinding) -> bool:
    return binding.name == "*" or binding.resource_pattern_type is not ResourcePatternType.LITERAL
