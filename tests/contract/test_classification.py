"""Everything that is kept is classified, and the classes are true."""

from collections.abc import Iterator
from typing import get_args, get_type_hints

import msgspec

from connectors.erasing.erased import TEXTS
from local.compliance.classes import class_of, classification, fields_of
from local.compliance.unclassified import unclassified
from sluice import events
from sluice.safe_text import SafeText
from sluice.schemas import all_schemas
from sluice.topics import catalogue

NAMES = classification()["fields"]


def test_nothing_is_without_class_owner_purpose_or_end():
    assert list(map(str, unclassified())) == []


def records() -> Iterator[type[msgspec.Struct]]:
    """Events and what is in them."""
    return (
        one
        for one in vars(events).values()
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__struct_fields__
    )


def test_redacted_is_what_only_the_gates_make():
    safe = set[str]()
    for record in records():
        for name, hint in get_type_hints(record).items():
            if hint is SafeText or SafeText in get_args(hint):
                safe.add(name)
    assert safe == set(NAMES["redacted"])


def test_erasure_empties_every_redacted_field_that_is_landed():
    landed = {
        field.name
        for topic in catalogue().values()
        if "connectors" in topic.consumers
        for event in topic.events
        for field in fields_of(all_schemas()[event])
        if class_of(field, NAMES) == "redacted"
    }
    assert landed == set(TEXTS)


def test_what_its_schema_calls_a_pseudonym_is_one():
    said = {
        field["name"] for schema in all_schemas().values() for field in schema["fields"] if "seudonym" in field["doc"]
    }
    assert said == set(NAMES["pseudonym"])
