"""One suite over both ways to number schemas. The registry here is a small server that speaks the Confluent API."""

import pytest

from sluice import wiring
from sluice.codec import Codec
from sluice.errors import ConfigurationError, Rejected, RejectReason, Unavailable
from sluice.paths import data_folder
from sluice.schema_ids import LOCK_FILE, LockFileIds, RegistryIds, released
from sluice.schema_registry import publish
from sluice.schemas import canonical, schema_of
from sluice.settings import Settings
from sluice.topics import compatibility_of_events
from tests.samples import SAMPLES
from tests.small_registry import SmallRegistry


@pytest.fixture
def registry():
    with SmallRegistry() as server:
        yield server


@pytest.fixture(params=["lock file", "registry"])
def ids(request, registry):
    return (
        LockFileIds(data_folder("avro") / "schema-ids.lock.json")
        if request.param == "lock file"
        else RegistryIds(registry.url)
    )


def test_a_number_stands_for_its_schema(ids):
    for name in SAMPLES:
        assert canonical(ids.schema_for(ids.id_of(name))) == canonical(schema_of(name))


def test_a_number_stays(ids):
    assert ids.id_of("ChatRequested") == ids.id_of("ChatRequested")
    assert ids.id_of("ChatRequested") != ids.id_of("PromptReady")


def test_an_unknown_number_is_rejected(ids):
    with pytest.raises(Rejected) as rejected:
        ids.schema_for(99_999)
    assert rejected.value.reason is RejectReason.UNKNOWN_SCHEMA


def test_events_round_trip(ids):
    codec = Codec(ids)
    for event in SAMPLES.values():
        assert codec.decode(codec.encode(event)) == event


def test_the_registry_is_asked_once(registry):
    ids = RegistryIds(registry.url)
    number = ids.id_of("ChatRequested")
    ids.schema_for(number)
    before = registry.requests
    for _ in range(5):
        ids.schema_for(ids.id_of("ChatRequested"))
    assert registry.requests == before


@pytest.mark.parametrize("status", [403, 409, 422])
def test_a_refused_schema_stops_the_start(registry, status: int):
    registry.answer = status
    with pytest.raises(ConfigurationError, match=f"ChatRequested.*{status}"):
        RegistryIds(registry.url).id_of("ChatRequested")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_troubled_registry_is_unavailable_and_then_asked_again(registry, status: int):
    ids = RegistryIds(registry.url)
    registry.answer = status
    with pytest.raises(Unavailable, match=str(status)):
        ids.schema_for(100)
    with pytest.raises(Unavailable, match=str(status)):
        ids.id_of("ChatRequested")
    registry.answer = None
    assert ids.schema_for(ids.id_of("ChatRequested")) == schema_of("ChatRequested")


def test_a_slow_registry_is_not_waited_for(registry):
    ids = RegistryIds(registry.url, timeout_seconds=0.1)
    registry.speaks.clear()
    with pytest.raises(Unavailable, match="Timeout"):
        ids.schema_for(100)
    with pytest.raises(Unavailable, match="Timeout"):
        ids.id_of("ChatRequested")


def test_an_unknown_number_is_asked_for_once_in_a_while(registry):
    now = [0.0]
    ids = RegistryIds(registry.url, monotonic=lambda: now[0])
    for _ in range(5):
        with pytest.raises(Rejected):
            ids.schema_for(100)
    assert registry.requests == 1
    registry.schemas.append(canonical(schema_of("ChatRequested")))
    now[0] += 31
    assert ids.schema_for(100) == schema_of("ChatRequested")


def test_only_so_many_unknown_numbers_are_remembered(registry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sluice.schema_ids._MOST_UNKNOWN", 2)
    ids = RegistryIds(registry.url)
    for number in (201, 202, 203, 203, 202, 201):
        with pytest.raises(Rejected):
            ids.schema_for(number)
    assert registry.requests == 4


def test_a_process_resolves_its_schemas_before_it_starts(registry):
    registry.answer = 503
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        registry.answer = None

    codec = wiring.resolved_codec(Settings(schema_registry_url=registry.url), pause)
    assert len(pauses) == 1
    registry.answer = 503
    for event in SAMPLES.values():
        assert codec.decode(codec.encode(event)) == event
    registry.answer = 409
    with pytest.raises(ConfigurationError, match="refused"):
        wiring.resolved_codec(Settings(schema_registry_url=registry.url), pause)


def test_a_registry_that_is_away_is_unavailable(registry):
    registry.shutdown()
    registry.server_close()
    ids = RegistryIds(registry.url)
    with pytest.raises(Unavailable):
        ids.schema_for(100)
    with pytest.raises(Unavailable):
        ids.id_of("ChatRequested")


def test_the_settings_choose(registry):
    assert isinstance(wiring.schema_ids(Settings()), LockFileIds)
    assert isinstance(wiring.schema_ids(Settings(schema_registry_url=registry.url)), RegistryIds)
    assert wiring.codec(Settings()).encode(SAMPLES["StopRequested"])[0] == 0


def test_a_registry_that_is_ill_is_published_to_later(registry: SmallRegistry):
    registry.answer = 503
    with pytest.raises(Unavailable, match="status 503"):
        publish(registry.url, released(LOCK_FILE), compatibility_of_events())
