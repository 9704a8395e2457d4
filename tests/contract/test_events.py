"""The event classes and the Avro schemas say the same; the bytes of each event never change by accident."""

import types
import typing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice import events
from sluice.codec import Codec
from sluice.errors import Rejected
from sluice.events import EVENT_TYPES, Event
from sluice.paths import data_folder
from sluice.safe_text import SafeText, Sealed
from sluice.schema_ids import LockFileIds
from sluice.schemas import all_schemas, schema_of, sealed_fields
from tests.samples import SAMPLES

GOLDEN = Path(__file__).parent.parent / "golden"
LOCK = data_folder("avro") / "schema-ids.lock.json"
CODEC = Codec(LockFileIds(LOCK))
PLAIN = {str: "string", SafeText: "string", int: {"int", "long"}, float: "double", bool: "boolean", Sealed: "bytes"}


def agrees(annotation: object, avro: object, default: object) -> bool:
    """Whether a field's type and default in Python are those of the schema."""
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        inner = next(a for a in typing.get_args(annotation) if a is not type(None))
        return (
            isinstance(avro, list)
            and avro[0] == "null"
            and default is None
            and agrees(inner, avro[1], msgspec.NODEFAULT)
        )
    if default is not msgspec.NODEFAULT:
        return False
    if annotation is datetime:
        return avro == {"type": "long", "logicalType": "timestamp-micros"}
    if annotation is Decimal:
        return isinstance(avro, dict) and avro["logicalType"] == "decimal" and avro["scale"] == 10
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return isinstance(avro, dict) and avro["symbols"] == list(typing.get_args(annotation))
    if origin is tuple:
        return isinstance(avro, dict) and agrees(typing.get_args(annotation)[0], avro["items"], msgspec.NODEFAULT)
    if origin is dict:
        return isinstance(avro, dict) and agrees(typing.get_args(annotation)[1], avro["values"], msgspec.NODEFAULT)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return isinstance(avro, dict) and avro["name"] == annotation.__name__ and record_agrees(annotation, avro)
    wanted = PLAIN[annotation]
    return avro in wanted if isinstance(wanted, set) else avro == wanted


def record_agrees(struct: type[msgspec.Struct], schema: dict) -> bool:
    hints = typing.get_type_hints(struct)
    fields = {f.name: f for f in msgspec.structs.fields(struct)}
    if set(fields) != {f["name"] for f in schema["fields"]}:
        return False
    return all(field_agrees(hints[f["name"]], f, fields[f["name"]].default) for f in schema["fields"])


def field_agrees(annotation: object, field: dict, default: object) -> bool:
    """A field that came later has the same default on both sides."""
    if "default" in field and field["default"] is not None:
        return default == field["default"] and agrees(annotation, field["type"], msgspec.NODEFAULT)
    return agrees(annotation, field["type"], default)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_class_and_schema_agree(name: str):
    assert record_agrees(EVENT_TYPES[name], schema_of(name))


def test_the_agreement_test_can_fail():
    schema = schema_of("StopRequested")
    assert not record_agrees(events.StopRequested, schema | {"fields": schema["fields"][1:]})
    assert not agrees(str, "bytes", msgspec.NODEFAULT)
    assert not agrees(str, "string", "x")


def test_every_schema_file_is_an_event_and_parses():
    files = {path.stem for path in (data_folder("avro") / "schemas").glob("*.avsc")}
    assert files == set(EVENT_TYPES)
    for schema in all_schemas().values():
        fastavro.parse_schema(schema)


def test_every_field_has_a_doc():
    missing = [f"{name}.{f['name']}" for name, s in all_schemas().items() for f in s["fields"] if not f.get("doc")]
    assert missing == []


def test_bytes_that_hold_personal_text_say_so():
    """Every bytes field but money is sealed and names the field its text was first sealed as."""
    for name, schema in all_schemas().items():
        for field in schema["fields"]:
            kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
            if "bytes" in kinds:
                assert field["name"] in sealed_fields(name)
                assert field["sealed_as"].split(".")[0] in EVENT_TYPES


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_golden_bytes(name: str):
    """What was written once stays readable, and is written the same today. New event: write the file by hand."""
    golden = bytes.fromhex((GOLDEN / f"{name}.hex").read_text())
    assert CODEC.encode(SAMPLES[name]) == golden
    assert CODEC.decode(golden) == SAMPLES[name]


@pytest.mark.parametrize("path", sorted((GOLDEN / "old").glob("*.hex")), ids=lambda path: path.stem)
def test_what_older_versions_wrote_stays_readable(path: Path):
    schema_id, name = path.stem.split("-")
    raw = bytes.fromhex(path.read_text())
    assert int.from_bytes(raw[1:5]) == int(schema_id)
    assert type(CODEC.decode(raw)) is EVENT_TYPES[name]


def test_the_lock_file_knows_every_schema():
    ids = [LockFileIds(LOCK).id_of(name) for name in EVENT_TYPES]
    assert len(set(ids)) == len(EVENT_TYPES)


@given(st.sampled_from(sorted(EVENT_TYPES)), st.data())
def test_a_cut_or_changed_record_is_rejected_or_still_an_event(name: str, data: st.DataObject):
    raw = bytearray(CODEC.encode(SAMPLES[name]))
    cut = data.draw(st.integers(0, len(raw)))
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        event = CODEC.decode(bytes(raw[:cut]))
    except Rejected:
        return
    assert isinstance(event, Event)


@given(st.text(), st.integers(0, 2**31 - 1), st.datetimes(timezones=st.just(UTC)))
def test_round_trip(text: str, seq: int, at: datetime):
    sample = SAMPLES["DeltaProduced"]
    at = min(max(at, datetime(1900, 1, 1, tzinfo=at.tzinfo)), datetime(2200, 1, 1, tzinfo=at.tzinfo))
    safe = text.encode("utf-8", "ignore").decode()
    event = msgspec.structs.replace(sample, text=SafeText(safe), seq=seq, occurred_at=at)
    assert CODEC.decode(CODEC.encode(event)) == event
