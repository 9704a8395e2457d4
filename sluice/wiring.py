"""What every process builds from the settings in the same way."""

import time
from collections.abc import Callable

from sluice.api_key_store import DatabaseApiKeys
from sluice.audit_anchor import FILE, Anchor
from sluice.audit_log import AuditLog
from sluice.clock import utc_now
from sluice.codec import Codec
from sluice.errors import ConfigurationError, Unavailable
from sluice.events import EVENT_TYPES
from sluice.kafka_access import Principal, connection
from sluice.key_files import AUDIT_KEY, read_key_file
from sluice.key_store import DatabaseKeyStore
from sluice.key_wrapping import FileWrapper, VaultWrapper, Wrapper
from sluice.logs import fact, get_logger
from sluice.schema_ids import LOCK_FILE, LockFileIds, RegistryIds, SchemaIds
from sluice.sealing import Sealer
from sluice.settings import Settings
from sluice.topics import principals

_PAUSE_SECONDS = 1.0


def schema_ids(settings: Settings) -> SchemaIds:
    """The registry where one is set, else the committed lock file."""
    if settings.registry_url:
        return RegistryIds(settings.registry_url)
    return LockFileIds(LOCK_FILE)


def codec(settings: Settings) -> Codec:
    """Reads and writes events."""
    return Codec(schema_ids(settings))


def key_wrapper(settings: Settings) -> Wrapper:
    """Raises ConfigurationError where Vault is wanted and no token is there, or AWS KMS and no client for it."""
    if settings.key_encryption == "file":
        return FileWrapper(settings.keys_dir)
    if settings.key_encryption == "aws-kms":
        return _aws_kms(settings)
    if settings.current_vault_token() is None:
        raise ConfigurationError(
            "SLUICE_KEY_ENCRYPTION is vault: set SLUICE_VAULT_TOKEN, or mount it as a file in SLUICE_SECRETS_DIR."
        )
    return VaultWrapper(settings.vault_address, settings.current_vault_token, settings.vault_key)


def _aws_kms(settings: Settings) -> Wrapper:
    try:
        from sluice.aws_kms import AwsKmsWrapper  # noqa: PLC0415 (an extra: only who chose it has its client)
    except ModuleNotFoundError:
        raise ConfigurationError(
            "SLUICE_KEY_ENCRYPTION is aws-kms, and its client is missing. `make up` with this setting installs it."
        ) from None
    return AwsKmsWrapper(settings.aws_kms_key, settings.aws_kms_endpoint)


def key_store(settings: Settings) -> DatabaseKeyStore:
    """People's data keys. Raises ConfigurationError."""
    return DatabaseKeyStore(settings.key_store_path, key_wrapper(settings), settings.tenant, utc_now)


def api_keys(settings: Settings) -> DatabaseApiKeys:
    """Keys of machines. Raises ConfigurationError."""
    return DatabaseApiKeys(settings.api_keys_path)


def sealer(settings: Settings) -> Sealer:
    """For the processes that seal or open. Raises ConfigurationError."""
    return Sealer(key_store(settings), settings.tenant)


def audit_log(settings: Settings, principal: Principal) -> AuditLog:
    """Raises ConfigurationError where its key is missing."""
    key, group = read_key_file(settings.keys_dir, AUDIT_KEY), principals()[principal].group
    anchor = Anchor(settings.keys_dir / FILE)
    return AuditLog(connection(settings, principal), group, codec(settings), key, utc_now, anchor)


def resolved_codec(settings: Settings, pause: Callable[[float], None] = time.sleep) -> Codec:
    """A codec that never waits for a registry because of a schema of ours: for processes, before their event loop.

    Returns once the registry has answered: a process may start before it. Raises ConfigurationError.
    """
    ids = schema_ids(settings)
    while True:
        try:
            for name in EVENT_TYPES:
                ids.schema_for(ids.id_of(name))
        except Unavailable as error:
            get_logger().warning("waiting for the schema registry", reason=fact(error))
            pause(_PAUSE_SECONDS)
        else:
            return Codec(ids)
