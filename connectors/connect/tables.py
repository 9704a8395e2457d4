"""The tables that Kafka Connect fills: one for each landed topic, and one for all dead letters."""

from dataclasses import dataclass
from typing import Any

from connectors.columns import columns_of
from connectors.landing import landed_topics
from sluice.topics import DEAD_LETTER_SUFFIX, Topic

LETTERS = "dead_letters"
SCHEMA = "landing"
"""Of the tables, in every store. The name of dbt's source."""


@dataclass(frozen=True, slots=True)
class LandedTable:
    """`topics` is one topic, or all dead-letter topics, which have the same events."""

    name: str
    topics: tuple[Topic, ...]

    @property
    def events(self) -> tuple[str, ...]:
        """Whose fields are its columns."""
        return self.topics[0].events

    @property
    def columns(self) -> Any:
        """The `pyarrow.Schema`: those of the landing zone."""
        return columns_of(self.topics[0])

    @property
    def connector(self) -> str:
        """Its part of the names of connectors."""
        return self.name.replace("_", "-")


def landed_tables() -> list[LandedTable]:
    """In the order of the catalogue."""
    topics = landed_topics()
    letters = tuple(topic for topic in topics if topic.name.endswith(DEAD_LETTER_SUFFIX))
    own = (topic for topic in topics if topic not in letters)
    return [*(LandedTable(topic.name.replace("-", "_"), (topic,)) for topic in own), LandedTable(LETTERS, letters)]
