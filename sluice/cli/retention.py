"""`sluice retention`."""

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sluice.stores import stores
from sluice.topics import Topic, catalogue

_DAY_HOURS = 24


def retention(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
) -> None:
    """How long everything is kept that the platform keeps, and for what. Declared in avro/topics.yaml."""
    rows = [*map(_topic_row, catalogue().values())]
    for store in stores().values():
        kept = f"with {store.goes_with}" if store.keep_days is None else f"{store.keep_days} days"
        rows.append((store.name, store.holds, store.classification, store.owner, kept))
    if as_json:
        names = ("store", "holds", "classification", "owner", "kept")
        sys.stdout.write(json.dumps([dict(zip(names, row, strict=True)) for row in rows]) + "\n")
        return
    table = Table("store", "holds", "classification", "owner", "kept")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _topic_row(topic: Topic) -> tuple[str, str, str, str, str]:
    kept = "while it is the newest of its key" if topic.cleanup_policy == "compact" else _span(topic.retention_hours)
    return topic.name, ", ".join(topic.events) or "a table's changes", topic.pii, topic.owner, kept


def _span(hours: int) -> str:
    return f"{hours / _DAY_HOURS:g} days"
