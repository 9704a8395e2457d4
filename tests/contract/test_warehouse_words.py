"""Closed sets of words that the warehouse takes rows by are those of the events, and an event has one place to go."""

import re
from typing import get_args, get_type_hints

from agents.account import Attempt
from connectors.connect.tables import LETTERS, landed_tables
from connectors.seeding.shape import EARLIEST
from sluice import events
from sluice.errors import ErrorCode
from sluice.paths import data_folder
from sluice.topics import catalogue

WORDS = (data_folder("dbt") / "macros" / "defects.sql").read_text()
TOPICS = {
    "telemetry": "turn-telemetry",
    "turns": "chat-turns",
    "usage": "llm-usage",
    "controls": "chat-controls",
    "audit": "audit-log",
}
TYPES = {
    "stage": events.Stage,
    "stage_outcome": events.StageOutcome,
    "attempt_outcome": events.AttemptOutcome,
    "turn_state": events.TurnState,
    "rating": events.Rating,
}


def known(kind: str) -> list[str]:
    found = re.search(rf"'{kind}': \[([^]]*)\]", WORDS)
    assert found is not None, kind
    return re.findall(r"'([^']+)'", found[1])


def test_words_are_those_of_the_events() -> None:
    for kind, literal in TYPES.items():
        assert known(kind) == list(get_args(literal)), kind
    assert known("error_code") == list(ErrorCode)
    assert known("purpose") == list(get_args(get_type_hints(Attempt)["purpose"]))


def test_every_event_of_a_landed_topic_is_known() -> None:
    for kind, topic in TOPICS.items():
        assert known(kind) == list(catalogue()[topic].events)
    assert known("letters") == ["DeadLetter"]


def test_every_landed_topic_has_a_source() -> None:
    sources = (data_folder("dbt") / "models" / "staging" / "sources.yml").read_text()
    for table in landed_tables():
        files = "*-dlq" if table.name == LETTERS else table.topics[0].name
        name = f"'{table.name}' if target.type == 'bigquery' else '{files}'"
        assert re.search(rf"name: {table.name}\n +identifier: .*{re.escape(name)}", sources), table.name


def test_a_made_up_history_begins_where_the_warehouse_does() -> None:
    project = (data_folder("dbt") / "dbt_project.yml").read_text()
    assert f"\n  earliest: '{EARLIEST}'" in project
