"""Configurations of connectors, one for each table and sink, and of the worker that runs them.

Whatever is wrong with a record is found by our converter (java/), which Connect answers with a dead letter
(errors.tolerance). A registry that is away is nothing that is wrong with a record: the converter says so, and Connect
waits for it (errors.retry.timeout without an end).
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from connectors.connect.places import Places
from connectors.connect.tables import SCHEMA, LandedTable, landed_tables
from sluice.schemas import schema_of

Config = dict[str, str]
CONTROL_TOPIC, LETTERS_TOPIC = "connect-iceberg-control", "connect-dead-letters"
CATALOG = "sluice"
_SESSION_MS = 6_000
_BATCH = 2_000


def _common(table: LandedTable, places: Places, tasks: int, *, flat: bool) -> Config:
    schemas = [_without_words(schema_of(event)) for event in table.events]
    return {
        "tasks.max": str(tasks),
        "topics": ",".join(topic.name for topic in table.topics),
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "sluice.connect.LandedConverter",
        "value.converter.registry.url": places.registry_url,
        "value.converter.schemas": json.dumps(schemas, separators=(",", ":")),
        "value.converter.flat": str(flat).lower(),
        "transforms": "origin",
        "transforms.origin.type": "sluice.connect.Origin",
        "consumer.override.auto.offset.reset": "earliest",
        "consumer.override.isolation.level": "read_committed",
        "consumer.override.session.timeout.ms": str(_SESSION_MS),
        "consumer.override.heartbeat.interval.ms": str(_SESSION_MS // 3),
        "consumer.override.max.poll.records": str(_BATCH),
        "errors.tolerance": "all",
        "errors.retry.timeout": "-1",
        "errors.retry.delay.max.ms": "5000",
        "errors.deadletterqueue.topic.name": LETTERS_TOPIC,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    }


def iceberg(table: LandedTable, places: Places, tasks: int = 1) -> Config:
    """Open tables. A commit is one snapshot that holds the offsets it was made of: nothing lost, nothing twice."""
    return _common(table, places, tasks, flat=False) | {
        "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
        "iceberg.tables": f"{SCHEMA}.{table.name}",
        "iceberg.control.topic": CONTROL_TOPIC,
        "iceberg.control.commit.interval-ms": "30000",
        "iceberg.control.commit.timeout-ms": "10000",
        "iceberg.catalog": CATALOG,
        "iceberg.catalog.catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        "iceberg.catalog.uri": places.postgres.jdbc,
        "iceberg.catalog.jdbc.user": places.postgres.user,
        "iceberg.catalog.jdbc.password": places.password_reference,
        "iceberg.catalog.jdbc.schema-version": "V0",
        "iceberg.catalog.warehouse": places.warehouse,
        "iceberg.kafka.session.timeout.ms": str(_SESSION_MS),
        "iceberg.kafka.transaction.timeout.ms": "10000",
    }


def jdbc(table: LandedTable, places: Places, tasks: int = 1) -> Config:
    """Rows of PostgreSQL by `event_id`: a record met again changes its row and adds none."""
    return _common(table, places, tasks, flat=True) | {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "connection.url": places.postgres.jdbc,
        "connection.username": places.postgres.user,
        "connection.password": places.password_reference,
        "connection.pool.min_size": "1",
        "connection.pool.max_size": "4",
        "collection.name.format": f"{SCHEMA}.{table.name}",
        "insert.mode": "upsert",
        "primary.key.mode": "record_value",
        "primary.key.fields": "event_id",
        "schema.evolution": "basic",
        "use.reduction.buffer": "true",
        "batch.size": str(_BATCH),
    }


def bigquery(table: LandedTable, places: Places, tasks: int = 1) -> Config:
    """Of Aiven's connector 2.x. Never run: it is not in Maven Central, and takes no address of an emulator.

    At least once: the models deduplicate by `event_id` as they do everywhere.
    """
    return _common(table, places, tasks, flat=False) | {
        "connector.class": "com.wepay.kafka.connect.bigquery.BigQuerySinkConnector",
        "project": places.bigquery_project,
        "defaultDataset": places.bigquery_dataset,
        "keySource": "APPLICATION_DEFAULT",
        "topic2TableMap": ",".join(f"{topic.name}:{table.name}" for topic in table.topics),
        "autoCreateTables": "true",
        "allowNewBigQueryFields": "true",
        "allBQFieldsNullable": "true",
        "bigQueryPartitionDecorator": "false",
        "timestampPartitionFieldName": "occurred_at",
        "timePartitioningType": "DAY",
        "decimalHandlingMode": "BIGNUMERIC",
        "bigQueryRetry": "10",
        "bigQueryRetryWait": "2000",
    }


SINKS: Mapping[str, Callable[[LandedTable, Places, int], Config]] = {
    "iceberg": iceberg,
    "jdbc": jdbc,
    "bigquery": bigquery,
}
RUN_HERE = ("iceberg", "jdbc")


def connectors(places: Places, sinks: tuple[str, ...] = RUN_HERE, tasks: int = 1) -> dict[str, Config]:
    """All configurations by the connector's name."""
    return {
        f"{sink}-{table.connector}": SINKS[sink](table, places, tasks) for sink in sinks for table in landed_tables()
    }


def worker(servers: str, port: int, plugins: Path, secrets: Path, replicas: int = 1) -> Config:
    """`worker.properties`. REST on loopback alone: it has no password, and who reaches it may do everything."""
    storage = {
        f"{name}.storage.{key}": value
        for name in ("config", "offset", "status")
        for key, value in {"topic": f"connect-{name}", "replication.factor": str(replicas)}.items()
    }
    return storage | {
        "bootstrap.servers": servers,
        "group.id": "sluice-connect",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "offset.storage.partitions": "1",
        "status.storage.partitions": "1",
        "offset.flush.interval.ms": "2000",
        "session.timeout.ms": str(_SESSION_MS),
        "heartbeat.interval.ms": str(_SESSION_MS // 3),
        "scheduled.rebalance.max.delay.ms": "10000",
        "listeners": f"http://127.0.0.1:{port}",
        "plugin.path": str(plugins),
        "plugin.discovery": "service_load",
        "connector.client.config.override.policy": "All",
        "config.providers": "keys",
        "config.providers.keys.class": "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
        "config.providers.keys.param.allowed.paths": str(secrets),
    }


def properties(config: Mapping[str, str]) -> str:
    """As Java reads it."""
    return "".join(f"{name}={value}\n" for name, value in config.items())


def _without_words(schema: Any) -> Any:
    """A schema without its documentation, which would be half of it."""
    if isinstance(schema, list):
        return [_without_words(one) for one in schema]
    if isinstance(schema, dict):
        return {name: _without_words(value) for name, value in schema.items() if name != "doc"}
    return schema
