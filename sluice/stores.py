"""Everything the platform keeps: topics and other stores, how long, for what, whose. Read from `avro/topics.yaml`."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Literal

import yaml

from sluice.paths import data_folder

StoreName = Literal[
    "broker",
    "landing",
    "landing-mirror",
    "warehouse",
    "keys",
    "api-keys",
    "certificates",
    "stage-state",
    "gateway-history",
    "erasures-under-way",
    "logs",
    "process-state",
    "registry",
    "campaigns",
    "connect",
    "bigquery",
    "backups",
]


@dataclass(frozen=True, slots=True)
class Store:
    """What is kept beside the log."""

    name: str
    holds: str
    where: tuple[str, ...]
    classification: str
    owner: str
    purpose: str
    keep_days: int | None
    goes_with: str | None = None
    """What ends it, where days do not."""

    @property
    def keep(self) -> timedelta:
        """How long. Only of stores that name days."""
        if self.keep_days is None:
            raise ValueError(f"{self.name} goes with {self.goes_with}")
        return timedelta(days=self.keep_days)


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who outside is given something."""

    name: str
    gets: str
    who: str
    classification: str
    owner: str
    purpose: str
    kept: str


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((data_folder("avro") / "topics.yaml").read_text())
    return document


@cache
def stores() -> dict[str, Store]:
    """By name."""
    listed = _document()["stores"]
    return {name: Store(name=name, **entry | {"where": tuple(entry["where"])}) for name, entry in listed.items()}


@cache
def recipients() -> dict[str, Recipient]:
    """By name."""
    return {name: Recipient(name=name, **entry) for name, entry in _document()["recipients"].items()}


def keep(name: StoreName) -> timedelta:
    """How long a store keeps what it is given."""
    return stores()[name].keep
