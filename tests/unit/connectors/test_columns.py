"""Columns come from the schemas; nothing sealed has one."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from connectors.batching import Place, Portion
from connectors.columns import arrow_type, columns_of
from connectors.landing import landed_topics
from connectors.tables import table_of
from sluice.errors import ConfigurationError
from sluice.events import EVENT_TYPES
from sluice.schemas import schema_of, sealed_fields
from sluice.topics import Topic, catalogue
from tests.doubles import NOON
from tests.samples import SAMPLES
from tests.unit.connectors.rows import row_of

INSTANT = pa.timestamp("us", tz="UTC")
MAPS = {"redacted_types"}


def topic_with(*events: str) -> Topic:
    return Topic("t", events, "session_id", 1, 1, "clean", "o", (), ("connectors",))


def listed(value: Any) -> Any:
    """Lists for tuples, as pyarrow gives them, except for the pairs of a map."""
    if isinstance(value, dict):
        return {key: listed(inner) for key, inner in value.items()}
    return [listed(inner) for inner in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_event_fits_its_columns_and_comes_back(name: str) -> None:
    columns = columns_of(topic_with(name))
    row = row_of(SAMPLES[name], Place("t", 3), 7)
    [back] = table_of(Portion(row.place, row.day, (row,)), columns, NOON).to_pylist()
    plain = listed(msgspec.to_builtins(SAMPLES[name], builtin_types=(bytes, datetime, Decimal)))
    for field in {*plain} - sealed_fields(name):
        assert (dict(back[field]) if isinstance(plain[field], dict) and field in MAPS else back[field]) == plain[field]
    assert {name: back[name] for name in columns.names[-6:]} == {
        "_event": name,
        "_landed_at": NOON,
        "_topic": "t",
        "_partition": 3,
        "_offset": 7,
        "_timestamp": datetime.fromtimestamp(row.logged_ms / 1000, UTC),
    }
    assert not sealed_fields(name) & {*row.fields, *columns.names}


def test_types_are_those_of_the_schema() -> None:
    columns = columns_of(catalogue()["chat-turns"])
    assert columns.field("cost_usd").type == pa.decimal128(20, 10)
    assert columns.field("accepted_at").type == INSTANT
    assert columns.field("redacted_types").type == pa.map_(pa.string(), pa.int32())
    assert columns.field("state").type == pa.string()
    hop = pa.struct([("stage", pa.string()), ("entered_at", INSTANT), ("left_at", INSTANT)])
    assert columns.field("hops").type == pa.list_(hop)
    assert [*columns.names][-6:] == ["_event", "_landed_at", "_topic", "_partition", "_offset", "_timestamp"]


def test_a_topic_of_two_events_has_the_columns_of_both() -> None:
    names = columns_of(catalogue()["turn-telemetry"]).names
    assert {"stage", "overhead_ms"} <= {*names}
    assert len(names) == len({*names})


def test_two_types_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    clash = {"fields": [{"name": "attempt", "type": "string"}]}
    monkeypatch.setattr("connectors.columns.schema_of", lambda name: clash if name == "Clash" else schema_of(name))
    monkeypatch.setattr("connectors.columns.sealed_fields", lambda _name: frozenset())
    with pytest.raises(ConfigurationError, match="attempt of Clash"):
        columns_of(topic_with("AttemptStarted", "Clash"))


@pytest.mark.parametrize(
    "avro",
    [["null", "int", "string"], {"type": "long", "logicalType": "timestamp-nanos"}],
)
def test_what_cannot_be_landed_is_refused(avro: Any) -> None:
    with pytest.raises(ConfigurationError):
        arrow_type(avro, {})


def test_a_named_type_may_be_named_again() -> None:
    known: dict[str, Any] = {}
    arrow_type({"type": "record", "name": "Hop", "fields": [{"name": "stage", "type": "string"}]}, known)
    assert arrow_type("sluice.v1.Hop", known) == pa.struct([("stage", pa.string())])


def test_the_sink_reads_all_its_topics_and_all_dead_letters() -> None:
    names = {topic.name for topic in landed_topics()}
    assert {"chat-turns", "llm-usage", "turn-telemetry", "chat-requests-dlq"} <= names
    assert not names & {"chat-requests", "chat-enriched", "chat-prompts", "chat-replies"}
