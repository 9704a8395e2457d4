"""What every process builds from the settings in the same way."""

from sluice.codec import Codec
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds, RegistryIds, SchemaIds
from sluice.settings import Settings


def schema_ids(settings: Settings) -> SchemaIds:
    """The registry where one is set, else the committed lock file."""
    if settings.schema_registry_url:
        return RegistryIds(settings.schema_registry_url)
    return LockFileIds(data_folder("avro") / "schema-ids.lock.json")


def codec(settings: Settings) -> Codec:
    """Reads and writes events."""
    return Codec(schema_ids(settings))
