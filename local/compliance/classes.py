"""The classes of `avro/classification.yaml`, and the fields and columns that must have one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from sluice.paths import data_folder
from sluice.schemas import Schema

Document = dict[str, Any]
SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class Field:
    """One value of an event, by its way into it: `RequestEnriched.history.question`."""

    path: str
    name: str
    sealed: bool


def classification() -> Document:
    """The file as it is."""
    return _read("avro", "classification.yaml")


def catalogue_document() -> Document:
    """`avro/topics.yaml` as it is written: what it lacks is not an error here."""
    return _read("avro", "topics.yaml")


def _read(folder: str, name: str) -> Document:
    document: Document = yaml.safe_load((data_folder(folder) / name).read_text())
    return document


def class_of(field: Field, names: dict[str, list[str]]) -> str | None:
    """Of a field, where `names` is `fields` of the file."""
    if field.sealed:
        return SEALED
    return next((label for label, listed in names.items() if field.name in listed), None)


def fields_of(schema: Schema) -> Iterator[Field]:
    """All fields that hold a value, also those within records, lists and maps."""
    return _walk(schema, schema["name"], {})


def _walk(avro: Any, path: str, known: dict[str, Any]) -> Iterator[Field]:
    for record in _records(avro, known):
        for field in record["fields"]:
            own = f"{path}.{field['name']}"
            sealed = field.get("pii") == SEALED
            inner = [] if sealed else list(_walk(field["type"], own, known))
            yield from inner or [Field(own, field["name"], sealed)]


def _records(avro: Any, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Records that a type is or holds. Avro writes a named type out once and names it afterwards."""
    match avro:
        case str():
            if avro in known:
                yield known[avro]
        case list():
            for branch in avro:
                yield from _records(branch, known)
        case {"type": "record"}:
            known[avro["name"]] = avro
            yield avro
        case {"items": inner} | {"values": inner} | {"type": dict() | list() as inner}:
            yield from _records(inner, known)
