"""The variables `SLUICE_*`, with defaults that need neither key nor Docker. What follows from them: sluice.settings."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from sluice.paths import checkout, data_folder

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]
SECURED_MARK = "secured"
"""A file in the home of a platform that was last started with `SLUICE_SECURE`."""
NUMBERS_MARK = "schema-numbers"
"""A file in the home of a platform that says where its schemas have their numbers from."""


_NOT_IN_PATHS = frozenset("'\"*?[]{};$\n")
"""Kafka's configuration, SQL, patterns of files and supervisord each take some of these for something else."""


def _usable_home(home: Path) -> Path:
    """Absolute: processes that are started from it have other folders."""
    absolute = home.absolute()
    if unusable := sorted(_NOT_IN_PATHS.intersection(str(absolute))):
        raise ValueError(f"choose a folder whose path is without {' '.join(unusable)}")
    return absolute


def _was_secured(known: dict[str, Any]) -> bool:
    return "home" in known and (known["home"] / SECURED_MARK).exists()


def _last_registry(known: dict[str, Any]) -> Literal["none", "local"]:
    mark = known["home"] / NUMBERS_MARK if "home" in known else None
    return "local" if mark is not None and mark.exists() and mark.read_text() == "local" else "none"


def _keys_of_home(known: dict[str, Any]) -> Path:
    return Path(known.get("home", "")) / "keys"


class Fields(BaseSettings):
    """Names are the variables without `SLUICE_`; reference with defaults: docs/reference/settings.md."""

    model_config = SettingsConfigDict(env_prefix="SLUICE_", frozen=True, extra="ignore", env_ignore_empty=True)

    home: Annotated[Path, AfterValidator(_usable_home)] = Field(
        default_factory=lambda: checkout() / ".sluice", description="Data, logs and state of one platform."
    )
    port_offset: int = Field(
        0, ge=0, le=55000, description="Added to every port, to run several platforms on one machine."
    )
    broker: str = Field("local", description="`local` for the built-in Apache Kafka, or host:port,...")
    llm: str = Field(
        "dev",
        description="`dev` for the development provider, `local` for a small model on this machine, or any model name "
        "litellm knows.",
    )
    registry: Literal["none", "local"] = Field(
        default_factory=_last_registry,
        description="`local` for Apicurio Registry on this machine, chosen before the first message. Where it is not "
        "given: as this platform was started first.",
    )
    schema_registry_url: str | None = Field(
        None, description="A Confluent-compatible registry of your own; none: the lock file."
    )
    bots_dir: Path = Field(default_factory=lambda: data_folder("deploy") / "bots", description="One YAML file a bot.")
    replication_factor: int = Field(1, ge=1, description="Of the topics that `sluice topics apply` creates.")
    instance: int = Field(1, ge=1, le=50, description="Number of this process among its like on this machine.")
    group_protocol: Literal["consumer", "classic"] = Field(
        "consumer", description="Of the workers' groups: `consumer` is KIP-848 (Kafka 4.0 or later)."
    )
    failpoints_dir: Path | None = Field(None, description="For fault tests only: see sluice/failpoints.py.")
    tenant: str = Field("default", description="Bound into every sealed field.")
    key_encryption: Literal["file", "vault", "aws-kms"] = Field(
        "file",
        description="Who keeps the key that wraps people's keys: a file beside them, HashiCorp Vault, or AWS KMS.",
    )
    aws_kms_key: str = Field("alias/sluice", description="Id, ARN or alias of the key, for `aws-kms`.")
    aws_kms_endpoint: str | None = Field(None, description="Of AWS KMS; none: the region's own.")
    vault_address: str = Field("http://127.0.0.1:8200", description="Of Vault, for `vault`.")
    vault_token: SecretStr | None = Field(
        None, description="For Vault. A file of this name in `SLUICE_SECRETS_DIR` is read at each use instead."
    )
    vault_key: str = Field("transit/sluice", description="Mount and name of the key in Vault's transit engine.")
    keys_dir: Path = Field(default_factory=_keys_of_home, description="Key files; nobody else may read them.")

    secure: bool = Field(
        default_factory=_was_secured,
        description="TLS for Kafka, gateway and metrics, and a Kafka user of its own for each service. Where it is not "
        "given: as this platform was started last.",
    )
    ca_file: Path | None = Field(
        None, description="Authority that the gateway's clients trust; none: `certs/ca.pem` of `SLUICE_HOME`."
    )
    tls_certificate_file: Path | None = Field(
        None,
        description="What this process shows, PEM; none: its own of `certs`. With it, TLS without `SLUICE_SECURE`.",
    )
    tls_key_file: Path | None = Field(None, description="Its key; none: in the same file.")
    metrics_client_ca_file: Path | None = Field(
        None, description="With TLS: who reads metrics must show a certificate of this authority; none: nobody must."
    )
    kafka_protocol: SecurityProtocol | None = Field(
        None, description="Of a cluster of your own; none: `SASL_SSL` with `SLUICE_SECURE`, else `PLAINTEXT`."
    )
    kafka_mechanism: Mechanism = Field("SCRAM-SHA-512", description="How Kafka asks for the password.")
    kafka_user: str | None = Field(None, description="Of this process at Kafka; none: `sluice-` and its name.")
    kafka_password: SecretStr | None = Field(
        None, description="Its password; none: `SLUICE_KAFKA_PASSWORD_FILE`, else `kafka-<name>.password` of the keys."
    )
    kafka_password_file: Path | None = Field(None, description="A file with the password.")
    kafka_ca_file: Path | None = Field(
        None,
        description="Authority of Kafka's certificate; none: `certs/ca.pem` of `SLUICE_HOME` for the built-in Kafka, "
        "the system's for another cluster.",
    )

    gateway_host: str = Field("127.0.0.1", description="Address the gateway listens on.")
    oidc_issuer: str | None = Field(
        None, description="An OpenID provider whose tokens count, exactly as it names itself. None: development tokens."
    )
    oidc_audience: str = Field("sluice", description="What its tokens must be made for.")
    oidc_roles_claim: str = Field("roles", description="Where its tokens name roles; a dot goes into an object.")
    dev_tokens: bool | None = Field(
        None,
        description="Take tokens of the platform's own key, and let a page on loopback obtain one. Unless set: only "
        "without an OpenID provider.",
    )
    allowed_origins: tuple[str, ...] = Field((), description="Exact origins of pages beside the gateway's own.")
    token_seconds: int = Field(3600, ge=60, description="Life of a development token.")
    coalesce_ms: int = Field(25, ge=0, le=1000, description="Deltas after the first are gathered for this long.")
    socket_buffer_bytes: int = Field(1_000_000, ge=10_000, description="A socket with more unsent bytes is cut off.")

    openai_stop_on_hangup: bool = Field(
        True, description="A client of the OpenAI-compatible endpoint that hangs up stops its turn."
    )

    history_turns: int = Field(20, ge=0, description="Earlier turns that go with a question.")
    predecessor_wait_seconds: float = Field(2.0, ge=0, description="How long a turn waits for the one before it.")
    running_turns: int = Field(64, ge=1, description="Turns one worker handles at the same time.")
    session_turns: int = Field(
        16, ge=1, description="Unanswered messages a session may have; the gateway refuses more."
    )
    broker_session_seconds: float = Field(
        6.0,
        ge=2,
        description="Session time of the landing sink and, with `classic`, of workers; with `consumer` the broker sets "
        "the workers'. A worker that stood still for longer ends.",
    )
    commit_seconds: float = Field(1.0, gt=0, description="Finished records are committed this often.")
    grace_seconds: float = Field(5.0, ge=0, description="A worker told to stop lets running turns end for so long.")
    rebalance_grace_seconds: float = Field(
        3.0, ge=0, le=20, description="Running turns of a partition that moves away may end for so long."
    )
    transport: Literal["librdkafka", "stock"] = Field(
        "librdkafka", description="`stock` is Faust's own, which loses turns: for comparisons only."
    )
    fuse_share: float = Field(0.5, gt=0, description="A stage stops when more of a window is put away; 1: never.")
    fuse_window: int = Field(200, ge=10, description="Records the fuse looks back at.")

    redaction_processes: int = Field(
        2, ge=1, le=64, description="Processes of one redact worker that look for personal data."
    )
    redaction_seconds: float = Field(
        10.0, gt=0, description="How long the search in 64 k characters may take before the turn fails."
    )

    landing_flush_seconds: float = Field(2.0, gt=0, description="The sink writes a file at least this often.")
    landing_compact_seconds: float = Field(
        60.0, ge=0, description="The sink looks this often whether many small files can become one; 0: never."
    )
    landing_flush_records: int = Field(16_000, ge=1, description="The sink writes a file at this many records.")

    landing_mirror: str | None = Field(
        None, description="`s3://bucket/prefix`, `gs://bucket/prefix` or `file:///folder` to copy the landing zone to."
    )
    landing_mirror_seconds: float = Field(5.0, gt=0, description="It is copied this often.")

    bigquery_project: str | None = Field(
        None, description="Google Cloud project whose BigQuery gets the landed rows as well; none: no BigQuery sink."
    )
    bigquery_landing: str = Field(
        "landing", pattern=r"^[A-Za-z0-9_]{1,1024}$", description="Dataset of its tables, which has to be there."
    )
    bigquery_emulator: str | None = Field(
        None, description="host:port of an emulator's REST interface instead of Google's, without credentials."
    )
    bigquery_emulator_grpc: str | None = Field(None, description="host:port of its gRPC interface.")

    warehouse_seconds: float = Field(
        30.0,
        ge=0,
        description="The warehouse is built this often, from start to start, where something has landed; 0: only by "
        "`sluice warehouse`.",
    )

    connect_url: str | None = Field(
        None, description="REST interface of a Kafka Connect of your own; none: the worker on this machine."
    )
    connect_postgres: str | None = Field(
        None,
        description="user@host:port/database that Kafka Connect fills and keeps the catalogue of Iceberg tables in; "
        "none: PostgreSQL on this machine.",
    )
    iceberg_warehouse: str | None = Field(
        None, description="Address of the folder or object store of Iceberg tables; none: `iceberg` of `SLUICE_HOME`."
    )

    secrets_dir: Path | None = Field(
        None, description="Mounted secrets, one file each, named like the variable; read at each use."
    )
    vault_secrets: str | None = Field(
        None, description="Mount and name of a secret in Vault's key-value engine whose fields are secrets."
    )
    dev_key: SecretStr = Field(SecretStr("dev-key"), description="Key of the development provider.")
