"""Bring a Confluent-compatible registry up to date: every released version, in order, under its topic's mode."""

from collections.abc import Mapping, Sequence

from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.common.schema_registry_client import ConfigCompatibilityLevel
from confluent_kafka.schema_registry.error import SchemaRegistryError

from sluice.contracts import Compatibility, Version
from sluice.errors import ConfigurationError, Unavailable
from sluice.schemas import NAMESPACE, canonical

_TIMEOUT_SECONDS = 5.0
_LEVELS = {
    "backward_transitive": ConfigCompatibilityLevel.BACKWARD_TRANSITIVE,
    "forward_transitive": ConfigCompatibilityLevel.FORWARD_TRANSITIVE,
    "full_transitive": ConfigCompatibilityLevel.FULL_TRANSITIVE,
}
_REFUSALS = range(400, 500)


def publish(url: str, versions: Sequence[Version], modes: Mapping[str, Compatibility]) -> int:
    """May be repeated. Gives how many subjects there are. Raises ConfigurationError where the registry refuses one,
    Unavailable where it does not answer.
    """
    subjects = {version.event: f"{NAMESPACE}.{version.event}" for version in versions}
    what = "the first schema"
    try:
        with SchemaRegistryClient({"url": url, "max.retries": 0, "timeout": _TIMEOUT_SECONDS}) as client:
            for version in versions:
                what = f"{version.event}, version {version.id}"
                client.register_schema(subjects[version.event], RegistrySchema(canonical(version.schema), "AVRO"))
            for event, subject in subjects.items():
                what = f"the compatibility of {event}"
                client.set_config(subject, ServerConfig(compatibility=_LEVELS[modes[event]]))
    except SchemaRegistryError as error:
        if error.http_status_code in _REFUSALS:
            raise ConfigurationError(
                f"The registry at {url} refuses {what} (status {error.http_status_code}: {error.error_message})."
            ) from None
        raise Unavailable(f"schema registry: status {error.http_status_code}") from None
    except Exception as error:
        raise Unavailable(f"schema registry: {type(error).__name__}") from None
    return len(subjects)
