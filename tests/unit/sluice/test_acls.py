"""`sluice topics acls` over a Kafka that only remembers."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AclBinding, AclBindingFilter, AclOperation
from typer.testing import CliRunner

from sluice import access_admin
from sluice.access_admin import AccessAdmin
from sluice.cli import audit
from sluice.cli.main import build
from sluice.errors import Unavailable
from sluice.grants import Grant, grants
from sluice.kafka_admin import KafkaAdmin
from sluice.topics import principals


def done(result: Any = None) -> "Future[Any]":
    future: Future[Any] = Future()
    future.set_result(result)
    return future


class RememberingKafka:
    """Bindings and passwords, as AdminClient takes and gives them."""

    def __init__(self) -> None:
        self.bindings: set[AclBinding] = set()
        self.passwords: dict[str, bytes] = {}
        self.refuses = False
        self.marks: list[tuple[str, ...]] = []

    def describe_cluster(self, include_authorized_operations: bool) -> "Future[Any]":
        assert include_authorized_operations
        return done(SimpleNamespace(authorized_operations=[] if self.refuses else [AclOperation.DESCRIBE]))

    def describe_acls(self, _everything: AclBindingFilter) -> "Future[list[AclBinding]]":
        """As librdkafka: empty where it is refused."""
        return done([] if self.refuses else sorted(self.bindings))

    def create_acls(self, bindings: list[AclBinding]) -> "dict[AclBinding, Future[None]]":
        self.bindings |= set(bindings)
        return {one: done() for one in bindings}

    def delete_acls(self, filters: list[AclBindingFilter]) -> "dict[AclBindingFilter, Future[list[AclBinding]]]":
        self.bindings -= {AclBinding(*one._to_tuple()) for one in filters}
        return {one: done([]) for one in filters}

    def alter_user_scram_credentials(self, changes: list[Any]) -> "dict[str, Future[None]]":
        self.passwords |= {one.user: one.password for one in changes}
        return {one.user: done() for one in changes}


def binding(who: str, what: str = "READ", kind: str = "TOPIC", name: str = "chat-requests", **more: str) -> AclBinding:
    pattern, permission = more.get("pattern", "LITERAL"), more.get("permission", "ALLOW")
    return AclBinding(kind, name, pattern, f"User:{who}", "*", what, permission)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RememberingKafka:
    remembering = RememberingKafka()

    def connect(self: KafkaAdmin, where: Any, timeout_seconds: float = 1.0) -> None:
        self._servers, self._timeout, self._client = where, timeout_seconds, remembering  # type: ignore[assignment]

    monkeypatch.setattr(KafkaAdmin, "__init__", connect)
    monkeypatch.setattr(audit, "mark", lambda _settings, *mark: remembering.marks.append(mark))
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    return remembering


@pytest.fixture
def sluice() -> Callable[..., Any]:
    return lambda *arguments: CliRunner().invoke(build(), ["topics", "acls", *arguments])


def test_without_options_it_only_shows(sluice, kafka: RememberingKafka):
    shown = sluice()
    assert shown.exit_code == 0
    assert "sluice-respond" in shown.stdout
    listed = json.loads(sluice("--json").stdout)
    one = {"principal": "redact", "user": "sluice-redact", "resource": "topic"}
    assert one | {"name": "chat-enriched", "operation": "read"} in listed
    assert len(listed) == len(grants())
    assert kafka.bindings == set()


def test_a_first_run_grants_all_and_a_second_one_nothing(sluice, kafka: RememberingKafka):
    first = sluice("--apply")
    assert first.exit_code == 0
    assert f"{len(grants())} added, 0 removed" in first.stdout
    assert "+ sluice-redact read topic chat-enriched\n" in first.stdout
    assert "+ sluice-admin alter cluster kafka-cluster\n" in first.stdout
    assert len(kafka.bindings) == len(grants())
    assert kafka.marks == [("access.change", "allowed", f"{len(grants())} rights given, 0 taken away")]
    assert sluice("--apply").stdout == "all is as it should be\n"
    assert len(kafka.marks) == 1
    assert sluice("--dry-run").exit_code == 0


def test_a_change_without_a_mark_is_told(sluice, kafka: RememberingKafka, monkeypatch: pytest.MonkeyPatch):
    def away(*_: object) -> None:
        raise Unavailable("no broker")

    monkeypatch.setattr(audit, "mark", away)
    done = sluice("--apply")
    assert (done.exit_code, len(kafka.bindings)) == (3, len(grants()))
    assert "in force, but the audit log has no mark of it: no broker" in done.stderr


def test_what_is_granted_no_more_goes(sluice, kafka: RememberingKafka):
    sluice("--apply")
    right = set(kafka.bindings)
    extra = {
        binding("sluice-respond"),
        binding("sluice-former-service", "WRITE"),
        binding("sluice-gateway", "ALL", name="chat-", pattern="PREFIXED"),
        binding("sluice-redact", "READ", permission="DENY"),
    }
    kafka.bindings |= extra
    kafka.bindings -= {binding("sluice-redact", name="chat-enriched")}
    dry = sluice("--dry-run", "--json")
    assert dry.exit_code == 1
    found = json.loads(dry.stdout)
    assert found["added"] == ["sluice-redact read topic chat-enriched"]
    assert sorted(found["removed"]) == [
        "sluice-former-service write topic chat-requests",
        "sluice-gateway all topic chat- ...",
        "sluice-redact NOT read topic chat-requests",
        "sluice-respond read topic chat-requests",
    ]
    assert not found["applied"]
    assert extra <= kafka.bindings
    both = sluice("--apply", "--dry-run")
    assert (both.exit_code, "1 would be added, 4 would be removed" in both.stdout) == (1, True)
    assert extra <= kafka.bindings
    assert sluice("--apply").exit_code == 0
    assert kafka.bindings == right


def test_what_is_not_ours_is_shown_and_stays(sluice, kafka: RememberingKafka):
    strangers = {binding("bob"), binding("*", name="*"), binding("sluice-broker", "ALL")}
    kafka.bindings |= strangers | {binding("bob", name="his-own-topic")}
    told = sluice("--apply")
    assert {line for line in told.stdout.splitlines() if line.startswith("?")} == {
        "? bob read topic chat-requests",
        "? * read topic *",
        "? sluice-broker all topic chat-requests",
    }
    assert "3 (?) are of users that are not Sluice's" in told.stdout
    assert strangers <= kafka.bindings


def test_users_are_made_with_the_passwords_of_the_key_files(sluice, kafka: RememberingKafka, tmp_path: Path):
    assert sluice("--users").exit_code == 2
    assert sluice("--apply", "--users").exit_code == 0
    assert set(kafka.passwords) == {f"sluice-{name}" for name in principals()}
    assert kafka.passwords["sluice-redact"] == (tmp_path / "keys" / "kafka-redact.password").read_bytes()


def test_who_may_not_is_told(sluice, kafka: RememberingKafka):
    kafka.refuses = True
    refused = sluice("--apply")
    assert refused.exit_code == 3
    assert "CLUSTER_AUTHORIZATION_FAILED" in refused.stderr


def test_a_cluster_without_access_control(sluice, kafka: RememberingKafka, monkeypatch: pytest.MonkeyPatch):
    refused: Future[Any] = Future()
    refused.set_exception(KafkaException(KafkaError(KafkaError.SECURITY_DISABLED)))
    monkeypatch.setattr(kafka, "create_acls", lambda some: {some[0]: refused})
    told = sluice("--apply")
    assert (told.exit_code, "SLUICE_SECURE=1" in told.stderr) == (3, True)


def test_new_rights_come_before_old_ones_go(kafka: RememberingKafka, monkeypatch: pytest.MonkeyPatch):
    order: list[str] = []
    monkeypatch.setattr(kafka, "create_acls", lambda some: order.append("grant") or {one: done() for one in some})
    monkeypatch.setattr(kafka, "delete_acls", lambda some: order.append("take away") or {one: done() for one in some})
    kafka.bindings = {binding("sluice-gateway", "WRITE")}
    admin = AccessAdmin("k:1")
    admin.apply_access(admin.difference([Grant("gateway", "topic", "chat-requests", "read")]))
    assert order == ["grant", "take away"]
    assert access_admin.words_of(binding("x", kind="TRANSACTIONAL_ID", name="t")) == "x read transactional_id t"
