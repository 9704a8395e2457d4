"""Who may do what, against a table written by hand."""

from typing import get_args

import pytest

from sluice import grants as module
from sluice.errors import ConfigurationError
from sluice.grants import CLUSTER, Grant, allowed, grants
from sluice.kafka_access import Principal as PrincipalName
from sluice.topics import Principal, catalogue, principals, seen_by

SERVICES = ("gateway", "enrich", "redact", "respond", "connectors")
"""The steward is none of them: see its own test."""


def of(principal: str, operation: str) -> set[str]:
    return {
        one.name for one in grants() if (one.principal, one.resource, one.operation) == (principal, "topic", operation)
    }


def letters(*topics: str) -> set[str]:
    return {f"{topic}-dlq" for topic in topics}


def test_gateway():
    assert of("gateway", "write") == {
        "chat-requests", "chat-controls", "turn-telemetry", "audit-log", "erasure-requests",
        *letters("chat-requests", "chat-replies", "chat-turns", "erasure-requests"),
    }  # fmt: skip
    assert of("gateway", "read") == {"chat-requests", "chat-replies", "chat-turns", "audit-log", "erasure-requests"}


def test_enrich():
    changelog = {"sluice-enrich-conversations-changelog"}
    assert of("enrich", "write") == {"chat-enriched", "turn-telemetry"} | changelog | letters(
        "chat-requests", "chat-turns", "housekeeping"
    )
    assert of("enrich", "read") == {"chat-requests", "chat-turns", "housekeeping"} | changelog


def test_redact():
    changelog = {"sluice-redact-placeholders-changelog"}
    assert of("redact", "write") == {"chat-prompts", "turn-telemetry", "audit-log"} | changelog | letters(
        "chat-enriched", "housekeeping"
    )
    assert of("redact", "read") == {"chat-enriched", "housekeeping", "audit-log"} | changelog


def test_respond_reads_nothing_sealed():
    assert of("respond", "write") == {
        "chat-replies", "chat-turns", "llm-usage", "turn-telemetry", *letters("chat-prompts", "chat-controls"),
    }  # fmt: skip
    assert of("respond", "read") == {"chat-prompts", "chat-controls", "chat-replies", "chat-turns", "llm-usage"}
    assert not any(catalogue()[name].pii == "sealed" for name in of("respond", "read"))


def test_connectors():
    landed = {"chat-turns", "chat-controls", "llm-usage", "turn-telemetry", "audit-log"}
    every_letter = {name for name in catalogue() if name.endswith("-dlq")}
    assert of("connectors", "read") == landed | every_letter
    assert of("connectors", "write") == letters(*landed)


def test_the_steward_looks_tells_and_cuts_letters():
    every_letter = {name for name in catalogue() if name.endswith("-dlq")}
    told = {"chat-controls", "audit-log", "erasure-requests", "housekeeping"}
    looked_at = {"chat-requests", "chat-turns", "audit-log", "erasure-requests"}
    assert of("steward", "write") == told | every_letter
    assert of("steward", "read") == looked_at | every_letter
    assert of("steward", "delete") == every_letter
    assert of("steward", "describe") == {"chat-enriched"}
    assert seen_by("steward") == told | looked_at | every_letter | {"chat-enriched"}
    groups = {(one.name, one.operation) for one in grants() if (one.principal, one.resource) == ("steward", "group")}
    assert groups == {("steward", "read"), ("sluice-enrich", "describe"), ("sluice-redact", "describe")}


def test_services_do_nothing_but_read_and_write():
    own = [one for one in grants() if one.principal in SERVICES]
    assert {one.operation for one in own} == {"read", "write"}
    assert {(one.principal, one.name) for one in own if one.resource == "group"} == {
        ("gateway", "sluice-gateway"),
        ("enrich", "sluice-enrich"),
        ("redact", "sluice-redact"),
        ("respond", "sluice-respond"),
        ("connectors", "landing"),
        ("connectors", "bigquery"),
    }
    assert not [one for one in own if one.resource == "cluster"]


def test_the_operator_changes_nothing():
    own = {(one.resource, one.operation) for one in grants() if one.principal == "operator"}
    assert own == {
        ("topic", "read"),
        ("topic", "describe_configs"),
        ("group", "describe"),
        ("group", "read"),
        ("cluster", "describe"),
    }
    joined = {
        one.name for one in grants() if (one.principal, one.resource, one.operation) == ("operator", "group", "read")
    }
    assert joined == {"sluice-operator"}


def test_the_admin_takes_nothing_out_of_what_is_only_appended():
    own = {one.operation for one in grants() if (one.principal, one.name) == ("admin", "audit-log")}
    assert own == {"read", "write", "create", "alter_configs"}
    assert of("admin", "delete") == of("admin", "alter") == catalogue().keys() - {"audit-log"}


def test_only_who_writes_the_audit_log_takes_its_lock():
    locks = {(one.principal, one.name, one.operation) for one in grants() if one.resource == "transactional_id"}
    assert locks == {(name, "sluice-audit-0", "write") for name in ("gateway", "redact", "steward", "admin")}


def test_no_pattern_and_no_wildcard():
    assert {one.name for one in grants() if one.resource == "topic"} <= catalogue().keys()
    assert {one.name for one in grants() if one.resource == "cluster"} == {CLUSTER}
    assert not any("*" in one.name for one in grants())


def test_what_follows_from_a_grant():
    given = [Grant("a", "topic", "t", "write")]
    assert allowed(Grant("a", "topic", "t", "write"), given)
    assert allowed(Grant("a", "topic", "t", "describe"), given)
    for other in (
        Grant("a", "topic", "t", "read"),
        Grant("a", "topic", "t", "describe_configs"),
        Grant("b", "topic", "t", "write"),
        Grant("a", "topic", "u", "write"),
        Grant("a", "group", "t", "write"),
    ):
        assert not allowed(other, given)


def test_a_topic_that_names_a_stranger(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "principals", lambda: {"gateway": Principal("g")})
    with pytest.raises(
        ConfigurationError, match="chat-requests names enrich, steward, who is not among its principals"
    ):
        grants.__wrapped__()


def test_code_and_catalogue_name_the_same_principals():
    assert set(get_args(PrincipalName)) == set(principals())


def test_a_service_knows_of_its_own_topics_only():
    assert seen_by("redact") == of("redact", "read") | of("redact", "write")
