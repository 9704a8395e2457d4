"""A real registry: the same suite as over the lock file, the gate at the server, and a kill."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from typer.testing import CliRunner

from local.registry import Registry, running_registry
from sluice.cli.main import build
from sluice.codec import Codec
from sluice.errors import ConfigurationError, Unavailable
from sluice.schema_ids import LOCK_FILE, RegistryIds, released
from sluice.schema_registry import publish
from sluice.schemas import NAMESPACE, schema_of
from sluice.topics import compatibility_of_events
from tests.contract.test_schema_ids import (  # noqa: F401 (one suite over all)
    test_a_number_stands_for_its_schema,
    test_a_number_stays,
    test_an_unknown_number_is_rejected,
    test_events_round_trip,
)
from tests.ports import free_ports
from tests.samples import SAMPLES
from tests.waiting import until

VERSIONS = released(LOCK_FILE)
LAST = Schema('{"type":"record","name":"Last","fields":[]}', "AVRO")


def published(registry: Registry) -> bool:
    try:
        return publish(registry.url, VERSIONS, compatibility_of_events()) > 0
    except Unavailable:
        return False


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry"), free_ports(1)[0]) as running:
        assert until(lambda: published(running), seconds=90)
        yield running


@pytest.fixture
def ids(registry: Registry) -> Iterator[RegistryIds]:
    with closing(RegistryIds(registry.url)) as made:
        yield made


@pytest.fixture
def client(registry: Registry) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient({"url": registry.url}) as made:
        yield made


def test_every_released_version_is_there_in_order(client: SchemaRegistryClient):
    for event in SAMPLES:
        own = [version for version in VERSIONS if version.event == event]
        assert len(client.get_versions(f"{NAMESPACE}.{event}")) == len(own)


def test_to_publish_again_changes_nothing(registry: Registry, ids: RegistryIds):
    before = ids.id_of("TurnFinished")
    assert published(registry)
    with closing(RegistryIds(registry.url)) as again:
        assert again.id_of("TurnFinished") == before


def changed(event: str, **changes: Any) -> Schema:
    return Schema(json.dumps(schema_of(event) | changes), "AVRO")


def test_the_registry_refuses_what_breaks_somebody_too(client: SchemaRegistryClient):
    kept = [field for field in schema_of("StageTimed")["fields"] if field["name"] != "stage"]
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema(f"{NAMESPACE}.StageTimed", changed("StageTimed", fields=kept))
    assert refused.value.http_status_code == 409


def test_a_refusal_names_the_version(registry: Registry):
    kept = [field for field in schema_of("StageTimed")["fields"] if field["name"] != "stage"]
    [stage] = [version for version in VERSIONS if version.event == "StageTimed"]
    broken = [type(stage)(99, "StageTimed", schema_of("StageTimed") | {"fields": kept})]
    with pytest.raises(ConfigurationError, match=r"refuses StageTimed, version 99 \(status 409"):
        publish(registry.url, broken, compatibility_of_events())


def test_the_command(registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    assert CliRunner().invoke(build(), ["schemas", "publish"]).exit_code == 2
    monkeypatch.setenv("SLUICE_SCHEMA_REGISTRY_URL", registry.url)
    assert "21 subjects" in CliRunner().invoke(build(), ["schemas", "publish"]).output
    monkeypatch.setenv("SLUICE_SCHEMA_REGISTRY_URL", "http://127.0.0.1:9/apis/ccompat/v7")
    assert CliRunner().invoke(build(), ["schemas", "publish"]).exit_code == 3


def test_numbers_survive_a_kill(tmp_path: Path):
    port = free_ports(1)[0]
    with running_registry(tmp_path, port) as running:
        assert until(lambda: published(running), seconds=90)
        with closing(RegistryIds(running.url)) as ids:
            raw = Codec(ids).encode(SAMPLES["TurnFinished"])
        with SchemaRegistryClient({"url": running.url}) as client:
            given = client.register_schema("of.nobody", LAST)  # and killed at once
    with running_registry(tmp_path, port) as again:
        assert until(lambda: published(again), seconds=90)
        with closing(RegistryIds(again.url)) as ids:
            assert Codec(ids).decode(raw) == SAMPLES["TurnFinished"]
        with SchemaRegistryClient({"url": again.url}) as client:
            assert client.get_schema(given).schema_str == LAST.schema_str
