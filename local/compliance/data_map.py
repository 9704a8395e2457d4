"""What is stored where, how long and for what: for the checklist, and as a page of the reference."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from local.compliance.classes import Field, class_of, classification, fields_of
from local.compliance.models import models
from sluice.cli.retention import Kept, of_store, of_topic
from sluice.schemas import all_schemas
from sluice.stores import recipients, stores
from sluice.topics import DEAD_LETTER_SUFFIX, catalogue


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is kept, and all about it."""

    where: str
    about: Kept


def places() -> list[Place]:
    """Topics, other stores, and who outside is given something. Dead letters of all topics are one."""
    return [*_topics(), *_stores(), *_recipients()]


def _topics() -> Iterator[Place]:
    topics = list(catalogue().values())
    yield from (Place("log", of_topic(one)) for one in topics if not one.name.endswith(DEAD_LETTER_SUFFIX))
    letters = next(of_topic(one) for one in topics if one.name.endswith(DEAD_LETTER_SUFFIX))
    holds, owner = "what could not be used", "that of the topic"
    yield Place("log", replace(letters, store=f"*{DEAD_LETTER_SUFFIX}", holds=holds, owner=owner))


def _stores() -> Iterator[Place]:
    return (Place(", ".join(store.where), of_store(store)) for store in stores().values())


def _recipients() -> Iterator[Place]:
    for one in recipients().values():
        yield Place(one.who, Kept(one.name, one.gets, one.classification, one.owner, one.kept, one.purpose))


def data_map_page() -> str:
    """`docs/reference/data-map.md`."""
    classes = classification()
    lines = [_HEAD, "## Classes", "", "| Of topics and stores | |", "|---|---|"]
    lines += (f"| `{name}` | {meaning} |" for name, meaning in classes["stores"].items())
    lines += ["", "| Of fields and columns | |", "|---|---|"]
    lines += (f"| `{name}` | {meaning} |" for name, meaning in classes["classes"].items())
    lines += ["", "## On the log", "", *_table(_topics(), "Topic")]
    lines += ["", "## Beside it", "", *_table(_stores(), "Store")]
    lines += ["", "## Given to others", "", *_table(_recipients(), "Recipient")]
    lines += ["", "## In events", "", "Fields that are not `technical`.", "", *_events(classes["fields"])]
    lines += ["", "## In the warehouse", "", "Columns that are not `technical`.", "", *_columns()]
    return "\n".join(lines) + "\n"


def _table(rows: Iterable[Place], title: str) -> Iterator[str]:
    yield f"| {title} | Where | Holds | Class | Owner | Kept | For |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        one = row.about
        cells = (f"`{one.store}`", row.where, one.holds, one.classification, one.owner, one.kept, one.purpose)
        yield f"| {' | '.join(cells)} |"


_SHOWN = ("sealed", "redacted", "pseudonym", "linked")
_COLUMNS = f"| {' | '.join(name.capitalize() for name in _SHOWN)} |"


def _events(names: dict[str, list[str]]) -> Iterator[str]:
    yield f"| Event {_COLUMNS}"
    yield "|---|---|---|---|---|"
    for name, schema in all_schemas().items():
        fields: list[Field] = list(fields_of(schema))
        by_class = [[f.path.partition(".")[2] for f in fields if class_of(f, names) == label] for label in _SHOWN]
        yield f"| {name} | {' | '.join(map(_listed, by_class))} |"


def _columns() -> Iterator[str]:
    yield f"| Model | Owner {_COLUMNS}"
    yield "|---|---|---|---|---|---|"
    for model in models():
        by_class = [[c.name for c in model.columns if c.classification == label] for label in _SHOWN]
        yield f"| {model.name} | {model.owner} | {' | '.join(map(_listed, by_class))} |"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_HEAD = """# Data map

What is stored where, how long, for what, and who answers for it. Made of `avro/topics.yaml`,
`avro/classification.yaml`, the schemas and `dbt/models`; `make compliance` fails where one of them leaves something
out. `sluice retention` prints the first two tables.
"""
