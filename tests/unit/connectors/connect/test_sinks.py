"""Configurations of connectors say what the catalogue says, and hold no secret."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connectors.connect.places import Places, Postgres, places_of
from connectors.connect.sinks import LETTERS_TOPIC, SINKS, bigquery, connectors, properties, worker
from connectors.connect.tables import landed_tables
from connectors.landing import landed_topics
from sluice.cli.main import build
from sluice.errors import ConfigurationError
from sluice.key_files import POSTGRES_PASSWORD
from sluice.schemas import schema_of
from sluice.settings import Settings

PLACES = Places("http://r", Postgres("me", "db", 5432, "sluice"), Path("/keys"), "file:///ice")
_COMMON = {
    "tasks.max", "topics", "key.converter", "connector.class", "transforms", "transforms.origin.type",
    "errors.tolerance", "errors.retry.timeout", "errors.retry.delay.max.ms", "errors.deadletterqueue.topic.name",
    "errors.deadletterqueue.topic.replication.factor", "errors.deadletterqueue.context.headers.enable",
}  # fmt: skip
_OPTIONS_OF_BIGQUERY = set(
    """
    allBQFieldsNullable allowBigQueryRequiredFieldRelaxation allowNewBigQueryFields allowSchemaUnionization
    autoCreateBucket autoCreateTables avroDataCacheSize batchLoadIntervalSec bigQueryMessageTimePartitioning
    bigQueryPartitionDecorator bigQueryRetry bigQueryRetryWait clusteringPartitionFieldNames commitInterval
    concurrentSchemaUpdateMaxRetries concurrentSchemaUpdateRetryWaitMs convertDebeziumTimestampToInteger
    convertDebeziumVariableScaleDecimal convertDoubleSpecialValues decimalHandlingMode defaultDataset deleteEnabled
    enableBatchLoad enableBatchMode enableRetries gcsBucketName gcsFolderName ignoreUnknownFields
    intermediateTableSuffix kafkaDataFieldName kafkaKeyFieldName keySource keyfile max.retries
    mediateConcurrentSchemaUpdates mergeIntervalMs mergeRecordsThreshold partitionExpirationMs
    preserveKafkaTopicPartitionOffset project queueSize sanitizeFieldNames sanitizeTopics schemaRetriever
    threadPoolSize timePartitioningType timestampPartitionFieldName topic2TableMap topics.regex trackPutAttempts
    upsertEnabled useCredentialsProjectId useStorageWriteApi variableScaleDecimalHandlingMode
    """.split()  # noqa: SIM905 (one to a line would be a page)
)
"""As BigQuerySinkConfig of Aiven's connector 2.x defines them."""


def test_every_landed_topic_has_one_table_in_every_sink() -> None:
    tables = landed_tables()
    assert [table.name for table in tables] == [
        "chat_turns", "chat_controls", "llm_usage", "turn_telemetry", "audit_log", "dead_letters",
    ]  # fmt: skip
    for sink in SINKS:
        found = connectors(PLACES, (sink,))
        assert set(found) == {f"{sink}-{table.connector}" for table in tables}
        read = [topic for config in found.values() for topic in config["topics"].split(",")]
        assert sorted(read) == sorted(topic.name for topic in landed_topics())


def test_what_is_wrong_with_a_record_is_told_from_what_is_away() -> None:
    for config in connectors(PLACES, tuple(SINKS), 3).values():
        assert config["errors.tolerance"] == "all"
        assert config["errors.retry.timeout"] == "-1"
        assert config["errors.deadletterqueue.topic.name"] == LETTERS_TOPIC
        assert config["value.converter"] == "sluice.connect.LandedConverter"
        assert config["tasks.max"] == "3"


def test_a_converter_is_told_which_fields_are_sealed() -> None:
    for table in landed_tables():
        told: list[dict[str, Any]] = json.loads(SINKS["iceberg"](table, PLACES, 1)["value.converter.schemas"])
        assert [schema["name"] for schema in told] == [*table.events]
        for schema in told:
            sealed = {field["name"] for field in schema["fields"] if field.get("pii") == "sealed"}
            wanted = schema_of(schema["name"])
            assert sealed == {field["name"] for field in wanted["fields"] if field.get("pii") == "sealed"}
            assert sealed.isdisjoint(table.columns.names)
            assert "doc" not in schema["fields"][0]


def test_no_configuration_holds_a_password() -> None:
    for config in connectors(PLACES).values():
        values = [value for name, value in config.items() if "password" in name]
        assert values == [f"${{keys:/keys:{POSTGRES_PASSWORD}}}"]
    assert "config.providers.keys.param.allowed.paths=/keys\n" in properties(worker("b", 1, Path("p"), Path("/keys")))


def test_bigquery_is_told_only_what_its_connector_knows() -> None:
    for table in landed_tables():
        config = bigquery(table, PLACES)
        own = {name for name in config if not name.startswith(("value.converter", "consumer.override."))} - _COMMON
        assert own <= _OPTIONS_OF_BIGQUERY
        mapped = dict(pair.split(":") for pair in config["topic2TableMap"].split(","))
        assert mapped == dict.fromkeys(config["topics"].split(","), table.name)


def test_places_follow_the_settings(tmp_path: Path) -> None:
    own = Settings(home=tmp_path, registry="local", port_offset=10)
    assert places_of(own.model_copy(update={"bigquery_project": "acme"})).bigquery_project == "acme"
    found = places_of(own)
    assert found.postgres.jdbc == "jdbc:postgresql://127.0.0.1:5443/sluice"
    assert found.warehouse == f"file://{tmp_path}/iceberg"
    assert own.connect_rest == "http://127.0.0.1:8093"
    with pytest.raises(ConfigurationError, match="is missing"):
        found.password()
    other = Settings(
        home=tmp_path, schema_registry_url="http://r", connect_postgres="me@db:1/x", iceberg_warehouse="s3://b/w"
    )
    assert (places_of(other).postgres.host, places_of(other).warehouse) == ("db", "s3://b/w")


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({}, "make up REGISTRY=local"),
        ({"registry": "local", "secure": True}, "sluice connect render"),
        ({"registry": "local", "connect_postgres": "postgresql://me:secret@db/x"}, "not of the form user@host"),  # nosecret
    ],
)
def test_what_cannot_be_is_said_with_what_to_do(tmp_path: Path, choices: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        places_of(Settings(home=tmp_path, **choices))
    assert "secret" not in str(refused.value)


def test_the_files_for_a_connect_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    refused = CliRunner().invoke(build(), ["connect", "render", str(tmp_path / "files")])
    assert (refused.exit_code, (tmp_path / "files").exists()) == (2, False)
    monkeypatch.setenv("SLUICE_SCHEMA_REGISTRY_URL", "http://r")
    assert CliRunner().invoke(build(), ["connect", "render", str(tmp_path / "files")]).exit_code == 0
    files = {path.name for path in (tmp_path / "files").iterdir()}
    assert len(files) == 1 + 3 * len(landed_tables())
    document = json.loads((tmp_path / "files" / "jdbc-chat-turns.json").read_text())
    assert document["config"]["collection.name.format"] == "landing.chat_turns"
