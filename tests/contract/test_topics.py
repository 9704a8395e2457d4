"""The catalogue of topics is whole and agrees with code."""

import typing

from connectors import steward
from connectors.erasing import eraser, open_turns
from sluice import audit_log, erasure_log
from sluice.catalogue_file import TopicName
from sluice.events import EVENT_TYPES, ControlEvent, ReplyEvent
from sluice.schemas import sealed_fields
from sluice.topics import DEAD_LETTER_SUFFIX, catalogue, principals, topic_of

TOPICS = catalogue()
OWN = {name: topic for name, topic in TOPICS.items() if topic.events and not name.endswith(DEAD_LETTER_SUFFIX)}


def test_names_are_the_literal():
    assert set(OWN) == set(typing.get_args(TopicName))


def test_names_in_code_are_those_of_the_events():
    """Read from the file as modules are loaded, they would be a traceback where the file is wrong."""
    assert (topic_of("AuditRecorded"), topic_of("ErasureRequested")) == (audit_log.TOPIC, erasure_log.TOPIC)
    assert (topic_of("ErasureRequested"), topic_of("PersonErased")) == (steward.REQUESTS, eraser.ORDERS)
    assert (*open_turns._TOPICS,) == (topic_of("ChatRequested"), topic_of("TurnFinished"))
    assert principals()[steward.PRINCIPAL].group == steward.GROUP


def test_every_event_has_one_topic():
    carried = [event for topic in OWN.values() for event in topic.events]
    assert sorted([*carried, "DeadLetter"]) == sorted(EVENT_TYPES)
    assert all(topic_of(event) in OWN for event in carried)


def test_unions_are_what_their_topics_carry():
    assert {e.__name__ for e in typing.get_args(ReplyEvent)} == set(TOPICS["chat-replies"].events)
    assert {e.__name__ for e in typing.get_args(ControlEvent)} == set(TOPICS["chat-controls"].events)


def test_chat_topics_are_co_partitioned():
    assert len({topic.partitions for topic in OWN.values() if topic.key in ("session_id", "none")}) == 1


def test_the_key_is_a_field_of_every_event():
    for topic in OWN.values():
        for event in topic.events:
            assert topic.key in ("none", *EVENT_TYPES[event].__struct_fields__)


def test_clean_topics_carry_no_sealed_field():
    for topic in OWN.values():
        if topic.pii == "clean":
            assert not any(sealed_fields(event) for event in topic.events), topic.name


def test_every_read_topic_has_dead_letters():
    assert {name + DEAD_LETTER_SUFFIX for name in OWN} <= set(TOPICS)


def test_a_changelog_is_compacted_and_lies_beside_its_source():
    changelog = TOPICS["sluice-enrich-conversations-changelog"]
    assert changelog.kafka_config == {
        "retention.ms": "-1",
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": "86400000",
    }
    assert changelog.partitions == TOPICS["chat-requests"].partitions


def test_retention_is_in_kafkas_words():
    assert TOPICS["chat-requests"].kafka_config == {"retention.ms": "86400000", "cleanup.policy": "delete"}
