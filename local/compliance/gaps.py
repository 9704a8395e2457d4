"""What is kept without somebody having said what it is, whose, how long and what for. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from local.compliance.classes import SEALED, Document, Field, class_of
from local.compliance.models import Model

_NO_CLASS = "no classification"


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Something, and what it lacks."""

    kind: str
    name: str
    lacks: str

    def __str__(self) -> str:
        """A line."""
        return f"{self.kind} {self.name}: {self.lacks}"


def store_gaps(topics: Document, classes: Document) -> Iterator[Gap]:
    """Of topics, dead letters, changelogs, stores and recipients."""
    known = set(topics["stores"])
    for name, entry in topics["topics"].items():
        yield from _entry("topic", name, entry, classes, "pii", "retention_hours")
    letters = topics["dead_letters"] | {"owner": classes["owners"][0]}  # that of the origin
    yield from _entry("topic", "*-dlq", letters, classes, "pii", "retention_hours")
    for name, entry in topics["changelogs"].items():
        yield from _entry("changelog", name, entry, classes, "pii", "goes_with")
        if (store := entry.get("goes_with")) and store not in known:
            yield Gap("changelog", name, f"goes with {store}, which is no store")
    for name, entry in topics["stores"].items():
        kept = "keep_days" if entry.get("goes_with") is None else "goes_with"
        yield from _entry("store", name, entry, classes, "classification", kept, "holds", "where")
    for name, entry in topics["recipients"].items():
        yield from _entry("recipient", name, entry, classes, "classification", "kept", "gets", "who")


def _entry(
    kind: str, name: str, entry: dict[str, Any], classes: Document, label: str, kept: str, *more: str
) -> Iterator[Gap]:
    if entry.get(label) not in classes["stores"]:
        yield Gap(kind, name, _unknown(_NO_CLASS, entry.get(label)))
    if entry.get("owner") not in classes["owners"]:
        yield Gap(kind, name, _unknown("no owner", entry.get("owner")))
    if not entry.get(kept):
        yield Gap(kind, name, "no retention")
    yield from (Gap(kind, name, f"no {what}") for what in ("purpose", *more) if not entry.get(what))


def field_gaps(fields: Iterable[Field], classes: Document) -> Iterator[Gap]:
    """Of fields of events, and of names in the file that are nobody's."""
    names: dict[str, list[str]] = classes["fields"]
    plain = set[str]()
    for field in fields:
        plain |= set() if field.sealed else {field.name}
        if class_of(field, names) is None:
            yield Gap("field", field.path, _NO_CLASS)
    listed = [(label, name) for label, names_of_class in names.items() for name in names_of_class]
    for label, name in listed:
        if label not in classes["classes"] or label == SEALED:
            yield Gap("field", name, f"{label} is no class that a name can have")
        if name not in plain:
            yield Gap("field", name, "is in the file and in no schema")
        if sum(name == other for _, other in listed) > 1:
            yield Gap("field", name, "is in the file twice")


def topic_contradictions(topics: Document, sealed_events: set[str]) -> Iterator[Gap]:
    """Topics whose class is not that of what they carry."""
    for name, entry in topics["topics"].items():
        carries = bool(sealed_events & set(entry["events"]))
        if carries == (entry.get("pii") == "clean"):
            yield Gap("topic", name, f"is {entry.get('pii')}, {'but' if carries else 'without'} sealed fields")


def column_gaps(models: Iterable[Model], built: set[str], classes: Document) -> Iterator[Gap]:
    """Of columns of the warehouse, and of models that are not described."""
    described = set[str]()
    for model in models:
        described.add(model.name)
        if not model.columns:
            yield Gap("model", model.name, "no columns")
        if not model.description:
            yield Gap("model", model.name, "no description")
        if model.owner not in classes["owners"]:
            yield Gap("model", model.name, _unknown("no owner", model.owner))
        for column in model.columns:
            name = f"{model.name}.{column.name}"
            if column.classification not in classes["classes"]:
                yield Gap("column", name, _unknown(_NO_CLASS, column.classification))
            elif column.classification == SEALED:
                yield Gap("column", name, "is sealed, and nothing sealed is landed")
            if column.owner != model.owner and column.owner not in classes["owners"]:
                yield Gap("column", name, _unknown("no owner", column.owner))
            if not column.description:
                yield Gap("column", name, "no description")
    yield from (Gap("model", name, "is not described") for name in sorted(built - described))


def undescribed(built: Iterable[tuple[str, str]], models: Iterable[Model]) -> Iterator[Gap]:
    """Columns (model, column) that are in a warehouse and in no description, and the other way round."""
    described = {(model.name, column.name) for model in models for column in model.columns}
    there = set(built)
    for model, column in sorted(there - described):
        yield Gap("column", f"{model}.{column}", "is built and not described")
    for model, column in sorted(described - there):
        yield Gap("column", f"{model}.{column}", "is described and not built")


def _unknown(lacks: str, value: object) -> str:
    return lacks if value is None else f"{lacks} that is known ({value})"
