"""Everything the platform keeps: topics and other stores, how long, for what, whose. Read from `avro/topics.yaml`."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Literal

import yaml

from sluice.paths import data_folder

StoreName = Literal["landing", "warehouse", "keys", "api-keys", "stage-state", "gateway-history", "logs"]


@dataclass(frozen=True, slots=True)
class Store:
    """What is kept beside the log."""

    name: str
    holds: str
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


@cache
def stores() -> dict[str, Store]:
    """By name."""
    listed = yaml.safe_load((data_folder("avro") / "topics.yaml").read_text())["stores"]
    return {name: Store(name=name, **entry) for name, entry in listed.items()}


def keep(name: StoreName) -> timedelta:
    """How long a store keeps what it is given."""
    return stores()[name].keep
