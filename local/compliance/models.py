"""Models of the warehouse with their columns, as `dbt/models/**/*.yml` describes them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sluice.paths import data_folder


@dataclass(frozen=True, slots=True)
class Column:
    """One column. None where nothing is said."""

    name: str
    description: str | None
    classification: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Model:
    """One model."""

    name: str
    description: str | None
    owner: str | None
    columns: tuple[Column, ...]


def models() -> list[Model]:
    """All that are described, by name."""
    found = models_of(yaml.safe_load(path.read_text()) for path in _folder().rglob("*.yml"))
    return sorted(found, key=lambda model: model.name)


def built_models() -> set[str]:
    """All that dbt builds: one SQL file each."""
    return {path.stem for path in _folder().rglob("*.sql")}


def models_of(documents: Iterable[dict[str, Any]]) -> Iterator[Model]:
    """Those of some files."""
    for document in documents:
        for model in document.get("models", ()):
            owner = _meta(model).get("owner")
            columns = tuple(
                Column(
                    column["name"],
                    column.get("description"),
                    _meta(column).get("classification"),
                    _meta(column).get("owner", owner),
                )
                for column in model.get("columns", ())
            )
            yield Model(model["name"], model.get("description"), owner, columns)


def _meta(entry: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = entry.get("config", {}).get("meta", {})
    return meta


def _folder() -> Path:
    return data_folder("dbt") / "models"
