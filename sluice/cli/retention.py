"""`sluice retention`."""

import json
import sys
from dataclasses import asdict, astuple, dataclass, fields
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sluice.stores import Store, stores
from sluice.topics import Topic, catalogue

_DAY_HOURS = 24


@dataclass(frozen=True, slots=True)
class Kept:
    """A topic or another store."""

    store: str
    holds: str
    classification: str
    owner: str
    kept: str
    purpose: str


def retention(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """How long everything is kept that the platform keeps, and for what. Declared in avro/topics.yaml."""
    rows = [*map(of_topic, catalogue().values()), *map(of_store, stores().values())]
    if as_json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows]) + "\n")
        return
    table = Table(*(field.name for field in fields(Kept)))
    for row in rows:
        table.add_row(*astuple(row))
    Console().print(table)


def of_topic(topic: Topic) -> Kept:
    """In words."""
    compacted = f"while it is the newest of its key, with {topic.goes_with}"
    kept = compacted if topic.cleanup_policy == "compact" else f"{topic.retention_hours / _DAY_HOURS:g} days"
    holds = ", ".join(topic.events) or "a table's changes"
    return Kept(topic.name, holds, topic.pii, topic.owner, kept, topic.purpose)


def of_store(store: Store) -> Kept:
    """In words."""
    kept = f"with {store.goes_with}" if store.keep_days is None else f"{store.keep_days} days"
    return Kept(store.name, store.holds, store.classification, store.owner, kept, store.purpose)
