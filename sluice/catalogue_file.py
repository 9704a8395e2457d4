"""What `avro/topics.yaml` may say. Read whole and at once: a wrong number there deletes, and a wrong name grants."""

from functools import cache
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationInfo, field_validator, model_validator

from sluice.contracts import Compatibility
from sluice.paths import data_folder
from sluice.yaml_lines import read_model

TopicName = Literal[
    "chat-requests",
    "chat-enriched",
    "chat-prompts",
    "chat-replies",
    "chat-turns",
    "chat-controls",
    "llm-usage",
    "turn-telemetry",
    "audit-log",
    "erasure-requests",
    "housekeeping",
]
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
    "marks",
    "logs",
    "process-state",
    "registry",
    "campaigns",
    "connect",
    "bigquery",
    "backups",
]
BY_DAYS: tuple[StoreName, ...] = ("landing", "keys", "api-keys", "stage-state", "gateway-history")
"""Stores that the platform clears by the clock."""
Text = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Text, ...], Field(min_length=1)]
Partitions = Annotated[int, Field(strict=True, ge=1, le=1000)]
Days = Annotated[int, Field(strict=True, ge=1, le=36_500)]
"""A hundred years at most: more is a slip of the hand, and further back there are no dates."""
Hours = Annotated[int, Field(strict=True, ge=1, le=36_500 * 24)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PrincipalEntry(_Strict):
    """Of `principals`."""

    group: Text
    role: Literal["operator", "admin"] | None = None
    watches: tuple[Text, ...] = ()
    more_groups: tuple[Text, ...] = ()


class TopicEntry(_Strict):
    """Of `topics`."""

    events: Names
    key: Text
    partitions: Partitions | None = None
    retention_hours: Hours
    pii: Text
    owner: Text
    purpose: Text
    producers: Names
    consumers: Names
    looked_up_by: tuple[Text, ...] = ()
    measured_by: tuple[Text, ...] = ()
    append_only: StrictBool = False
    transactional_id: Text | None = None
    compatibility: Compatibility | None = None


class ChangelogEntry(_Strict):
    """Of `changelogs`."""

    key: Text
    pii: Text
    owner: Text
    purpose: Text
    goes_with: StoreName


class DeadLettersEntry(_Strict):
    """`dead_letters`."""

    events: Names
    key: Text
    partitions: Partitions
    retention_hours: Hours
    pii: Text
    purpose: Text
    cut_by: Names


class StoreEntry(_Strict):
    """Of `stores`."""

    holds: Text
    where: Names
    classification: Text
    owner: Text
    purpose: Text
    keep_days: Days | None
    goes_with: Text | None = None

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if (self.keep_days is None) == (self.goes_with is None):
            raise ValueError("either keep_days is a number, or it is null and goes_with says what ends it")
        return self


class RecipientEntry(_Strict):
    """Of `recipients`."""

    gets: Text
    who: Text
    classification: Text
    owner: Text
    purpose: Text
    kept: Text


class CatalogueFile(_Strict):
    """All of it."""

    chat_partitions: Partitions
    compatibility: Compatibility
    principals: Annotated[dict[Text, PrincipalEntry], Field(min_length=1)]
    topics: dict[TopicName, TopicEntry]
    changelogs: dict[Text, ChangelogEntry]
    dead_letters: DeadLettersEntry
    stores: dict[StoreName, StoreEntry]
    recipients: dict[Text, RecipientEntry]

    @field_validator("topics", "stores")
    @classmethod
    def _all(cls, named: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        absent = [
            name for name in get_args(TopicName if info.field_name == "topics" else StoreName) if name not in named
        ]
        if absent:
            raise ValueError(f"{', '.join(absent)} must be there")
        return named

    @field_validator("stores")
    @classmethod
    def _cleared(cls, stores: dict[StoreName, StoreEntry]) -> dict[StoreName, StoreEntry]:
        endless = [name for name in BY_DAYS if stores[name].keep_days is None]
        if endless:
            raise ValueError(f"{', '.join(endless)}: cleared by the clock, so keep_days must be a number")
        return stores


@cache
def catalogue_file() -> CatalogueFile:
    """Raises ConfigurationError with file, line and reason for each mistake."""
    return read_model(data_folder("avro") / "topics.yaml", CatalogueFile)
