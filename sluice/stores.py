"""Everything the platform keeps: topics and other stores, how long, for what, whose. Read from `avro/topics.yaml`."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from sluice.catalogue_file import StoreName, catalogue_file


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
def stores() -> dict[str, Store]:
    """By name. Raises ConfigurationError."""
    return {
        name: Store(
            name=name,
            holds=entry.holds,
            where=entry.where,
            classification=entry.classification,
            owner=entry.owner,
            purpose=entry.purpose,
            keep_days=entry.keep_days,
            goes_with=entry.goes_with,
        )
        for name, entry in catalogue_file().stores.items()
    }


@cache
def recipients() -> dict[str, Recipient]:
    """By name. Raises ConfigurationError."""
    return {
        name: Recipient(name, entry.gets, entry.who, entry.classification, entry.owner, entry.purpose, entry.kept)
        for name, entry in catalogue_file().recipients.items()
    }


def keep(name: StoreName) -> timedelta:
    """How long a store keeps what it is given."""
    return stores()[name].keep
