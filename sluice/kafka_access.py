"""As whom a process comes to Kafka: one user for each service, two for people."""

from typing import Literal

from pydantic import SecretStr

from sluice.certificates import AUTHORITY_FILE
from sluice.errors import ConfigurationError
from sluice.kafka_config import Connection
from sluice.key_files import password_file
from sluice.settings import Settings
from sluice.settings_fields import Mechanism, SecurityProtocol

Principal = Literal["gateway", "enrich", "redact", "respond", "connectors", "steward", "operator", "admin"]
"""`operator` looks, `admin` changes."""
BROKER = "broker"
"""The built-in Kafka's own user, to whom nothing is forbidden: it makes the others."""
OPERATOR_GROUP, ADMIN_GROUP = "sluice-operator", "sluice-admin"
"""Of commands that read: they join nothing and commit nothing, but Kafka looks at the group all the same."""
USER_PREFIX = "sluice-"
_LOOPBACK = ("127.0.0.1:", "localhost:", "[::1]:")


def user_of(principal: str) -> str:
    """Its name at Kafka."""
    return USER_PREFIX + principal


def connection(settings: Settings, principal: Principal) -> Connection:
    """Raises ConfigurationError where the password is not there, or the settings do not fit."""
    return _connection(settings, principal, settings.kafka_user or user_of(principal), settings.kafka_mechanism)


def broker_connection(settings: Settings) -> Connection:
    """As the built-in Kafka itself. Raises ConfigurationError."""
    return _connection(settings, BROKER, user_of(BROKER), "PLAIN")


def _connection(settings: Settings, principal: str, user: str, mechanism: Mechanism) -> Connection:
    own, servers, ca_file = settings.broker == "local", settings.bootstrap_servers, settings.kafka_ca_file
    protocol: SecurityProtocol = "SASL_SSL" if settings.secure else "PLAINTEXT"
    if not own and settings.kafka_protocol is not None:
        protocol = settings.kafka_protocol
    if own and ca_file is None:
        ca_file = settings.certs_dir / AUTHORITY_FILE
    if not protocol.startswith("SASL"):
        return Connection(servers, protocol, ca_file)
    if protocol == "SASL_PLAINTEXT" and not all(one.strip().startswith(_LOOPBACK) for one in servers.split(",")):
        raise ConfigurationError(
            f"SASL_PLAINTEXT to {servers} would let the network see who comes and what is said. Set "
            "SLUICE_KAFKA_PROTOCOL=SASL_SSL; without TLS passwords go over loopback only."
        )
    return Connection(servers, protocol, ca_file, mechanism, user, _password(settings, principal))


def _password(settings: Settings, principal: str) -> SecretStr:
    if settings.kafka_password is not None and principal != BROKER:
        return settings.kafka_password
    path = settings.keys_dir / password_file(principal)
    if settings.kafka_password_file is not None and principal != BROKER:
        path = settings.kafka_password_file
    try:
        password = path.read_text().strip()
        fault = "" if password else "empty"
    except (OSError, UnicodeDecodeError) as error:
        fault = getattr(error, "strerror", "not text")
    if fault:
        raise ConfigurationError(
            f"Kafka's password of {principal} cannot be read from {path} ({fault}). `make up` makes it for the "
            "built-in Kafka; for a cluster of your own set SLUICE_KAFKA_USER and SLUICE_KAFKA_PASSWORD_FILE."
        )
    return SecretStr(password)
