"""All settings, read once by each process from `SLUICE_*` variables, and the ports, addresses and paths they mean."""

import os
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from sluice.errors import ConfigurationError
from sluice.secret_sources import Environment, MountedFiles, Remembered, Secrets, Source, VaultSecrets
from sluice.settings_fields import Fields

ProcessName = Literal[
    "gateway", "enrich", "redact", "respond", "landing", "provider", "steward", "warehouse", "mirror", "bigquery"
]
_METRICS_PORTS: dict[ProcessName, int] = {
    "gateway": 9401,
    "enrich": 9402,
    "redact": 9403,
    "respond": 9404,
    "landing": 9405,
    "provider": 9406,
    "steward": 9407,
    "warehouse": 9408,
    "mirror": 9409,
    "bigquery": 9410,
}
_INSTANCE_PORTS = 100
_GATEWAY_PORT, _PROVIDER_PORT, _BROKER_PORT, _CONTROLLER_PORT = 8080, 9100, 9092, 9093
_SMALL_MODEL_PORT, _REGISTRY_PORT = 9110, 8081
_CONNECT_PORT, _POSTGRES_PORT = 8083, 5433


class Settings(Fields):
    """Names are the variables without `SLUICE_`; reference with defaults: docs/reference/settings.md."""

    def secret(self, name: str) -> SecretStr | None:
        """A secret by its name, as it is now: see sluice.secret_sources. The development provider's key has a default.

        Raises Unavailable where Vault is asked for the first time and does not answer.
        """
        return self._secrets(name) or (self.dev_key if name == "SLUICE_DEV_KEY" else None)

    def current_vault_token(self) -> SecretStr | None:
        """As mounted, else as set."""
        return _vault_token(self.secrets_dir, self.vault_token)

    @cached_property
    def _secrets(self) -> Secrets:
        sources: list[Source] = []
        if self.secrets_dir is not None:
            sources.append(MountedFiles(self.secrets_dir))
        if self.vault_secrets is not None:
            token = partial(_vault_token, self.secrets_dir, self.vault_token)  # not of self: both would keep each other
            sources.append(Remembered(VaultSecrets(self.vault_address, token, self.vault_secrets)))
        return Secrets((*sources, Environment(os.environ)))

    def port(self, base: int) -> int:
        """A port of this platform."""
        return base + self.port_offset

    @property
    def takes_dev_tokens(self) -> bool:
        """See dev_tokens."""
        return self.oidc_issuer is None if self.dev_tokens is None else self.dev_tokens

    @property
    def bootstrap_servers(self) -> str:
        """Kafka's address as clients want it."""
        return f"127.0.0.1:{self.port(_BROKER_PORT)}" if self.broker == "local" else self.broker

    @property
    def broker_port(self) -> int:
        """Of the built-in Kafka."""
        return self.port(_BROKER_PORT)

    @property
    def controller_port(self) -> int:
        """Of the built-in Kafka."""
        return self.port(_CONTROLLER_PORT)

    @property
    def gateway_port(self) -> int:
        """Of page, WebSocket and REST. A second gateway listens 100 higher."""
        return self.port(_GATEWAY_PORT) + self._instance_offset

    @property
    def registry_port(self) -> int:
        """Of the registry on this machine."""
        return self.port(_REGISTRY_PORT)

    @property
    def registry_url(self) -> str | None:
        """Where schemas have their numbers from; None: from the lock file."""
        return local_registry_url(self.registry_port) if self.registry == "local" else self.schema_registry_url

    @property
    def connect_port(self) -> int:
        """Of Kafka Connect's worker on this machine."""
        return self.port(_CONNECT_PORT)

    @property
    def connect_rest(self) -> str:
        """Kafka Connect's REST interface."""
        return self.connect_url or f"http://127.0.0.1:{self.connect_port}"

    @property
    def postgres_port(self) -> int:
        """Of PostgreSQL on this machine."""
        return self.port(_POSTGRES_PORT)

    @property
    def provider_port(self) -> int:
        """Of the development provider."""
        return self.port(_PROVIDER_PORT)

    @property
    def small_model_port(self) -> int:
        """Of the small model on this machine."""
        return self.port(_SMALL_MODEL_PORT)

    def metrics_port(self, process: ProcessName) -> int:
        """Where a process shows its metrics, on loopback."""
        return self.port(_METRICS_PORTS[process]) + self._instance_offset

    @property
    def _instance_offset(self) -> int:
        return (self.instance - 1) * _INSTANCE_PORTS

    @property
    def gateway_url(self) -> str:
        """How programs on this machine reach the gateway."""
        return f"{'https' if self.secure or self.tls_certificate_file else 'http'}://127.0.0.1:{self.gateway_port}"

    @property
    def provider_url(self) -> str:
        """Base URL of the development provider."""
        return f"http://127.0.0.1:{self.provider_port}/v1"

    @property
    def small_model_url(self) -> str:
        """Base URL of the small model."""
        return f"http://127.0.0.1:{self.small_model_port}/v1"

    @property
    def small_model_health(self) -> str:
        """Answers 200 once the small model is loaded."""
        return f"http://127.0.0.1:{self.small_model_port}/health"

    @cached_property
    def certs_dir(self) -> Path:
        """The development authority and its certificates."""
        return self.home / "certs"

    @cached_property
    def key_store_path(self) -> Path:
        """People's data keys, wrapped. Of the gateway and the redact stage only."""
        return self.keys_dir / "subjects" / "keys.sqlite"

    @cached_property
    def api_keys_path(self) -> Path:
        """Hashes of machines' keys. Of the gateway, the steward and the command line."""
        return self.keys_dir / "machines" / "api-keys.sqlite"

    @cached_property
    def marks_dir(self) -> Path:
        """What commands owe the audit log."""
        return self.home / "marks"

    @cached_property
    def logs_dir(self) -> Path:
        """One log file a process."""
        return self.home / "logs"

    @cached_property
    def state_dir(self) -> Path:
        """What a process can rebuild from the log."""
        return self.home / "state"

    def state_of(self, process: ProcessName) -> Path:
        """The state folder of one process."""
        return self.state_dir / (process if self.instance == 1 else f"{process}-{self.instance}")

    def states_of(self, process: ProcessName) -> list[Path]:
        """State folders of all instances of a process on this machine."""
        return [self.state_dir / process, *sorted(self.state_dir.glob(f"{process}-*"))]

    @cached_property
    def landing_dir(self) -> Path:
        """Parquet by topic and date."""
        return self.home / "landing"

    @cached_property
    def warehouse_path(self) -> Path:
        """The DuckDB file that dbt builds."""
        return self.home / "warehouse" / "sluice.duckdb"


def local_registry_url(port: int) -> str:
    """Confluent's API of the registry on this machine."""
    return f"http://127.0.0.1:{port}/apis/ccompat/v7"


def load_settings() -> Settings:
    """Read the environment once.

    Raises ConfigurationError naming each wrong variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"SLUICE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(f"Wrong settings: {wrong}") from None
    except SettingsError as error:
        raise ConfigurationError(f"Wrong settings: {error}; write a list as JSON.") from None


def _vault_token(folder: Path | None, given: SecretStr | None) -> SecretStr | None:
    mounted = MountedFiles(folder)("SLUICE_VAULT_TOKEN") if folder else None
    return mounted or given
