"""What a broker that is there may answer, in place of an answer."""

from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException
from pydantic import SecretStr

from sluice import kafka_admin as module
from sluice.certificates import make_certificates
from sluice.errors import ConfigurationError, Unavailable
from sluice.kafka_admin import KafkaAdmin, Unauthenticated, wait_for_topics
from sluice.kafka_config import Connection


def answer(result: object) -> "Future[object]":
    future: Future[object] = Future()
    if isinstance(result, int):
        future.set_exception(KafkaException(KafkaError(result)))
    else:
        future.set_result(result)
    return future


def admin_of(monkeypatch: pytest.MonkeyPatch, *answers: object) -> KafkaAdmin:
    """One whose client gives these answers, one after the other, about the end of a partition."""
    left = list(answers)
    admin = KafkaAdmin("127.0.0.1:1", timeout_seconds=1.0)
    client = SimpleNamespace(list_offsets=lambda wanted: {tp: answer(left.pop(0)) for tp in wanted})
    monkeypatch.setattr(admin, "_client", client)
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)
    return admin


def test_a_leader_that_moves_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    admin = admin_of(monkeypatch, KafkaError.NOT_LEADER_FOR_PARTITION, SimpleNamespace(offset=7))
    assert admin.ends({"t": 1}) == {("t", 0): 7}


def test_a_refusal_is_named(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Unavailable, match=r"Kafka at 127\.0\.0\.1:1 says TOPIC_AUTHORIZATION_FAILED"):
        admin_of(monkeypatch, KafkaError.TOPIC_AUTHORIZATION_FAILED).ends({"t": 1})


def away(monkeypatch: pytest.MonkeyPatch, where: str | Connection, heard: str) -> KafkaAdmin:
    """One whose broker does not answer, while librdkafka says this beside."""
    admin = KafkaAdmin(where, timeout_seconds=0.1)

    def silent(timeout: float) -> None:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    def poll(_seconds: float) -> None:
        admin._hear(KafkaError(getattr(KafkaError, heard)))

    monkeypatch.setattr(admin, "_client", SimpleNamespace(list_topics=silent, poll=poll))
    return admin


def secured(tmp_path: Path) -> Connection:
    make_certificates(tmp_path, datetime.now(UTC))
    ca_file = tmp_path / "ca.pem"
    return Connection("127.0.0.1:1,127.0.0.1:2", "SASL_SSL", ca_file, "SCRAM-SHA-512", "sluice-x", SecretStr("p"))


def test_a_user_that_is_not_let_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with pytest.raises(Unauthenticated, match=r"does not take user sluice-x .*SLUICE_KAFKA_PASSWORD_FILE"):
        away(monkeypatch, secured(tmp_path), "_AUTHENTICATION").partitions()


def test_a_certificate_that_is_no_good(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    admin = away(monkeypatch, secured(tmp_path), "_SSL")
    monkeypatch.setattr(module, "look_at", lambda host, port, _context: f"{host}:{port} is an impostor")
    with pytest.raises(ConfigurationError, match=r"Kafka: 127\.0\.0\.1:1 is an impostor"):
        admin.partitions()
    monkeypatch.setattr(module, "look_at", lambda *_: None)
    with pytest.raises(Unavailable, match="No Kafka broker answers"):
        admin.partitions()


def test_tls_where_none_is_expected(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "speaks_tls", lambda *_: True)
    with pytest.raises(ConfigurationError, match=r"speaks TLS\. Set SLUICE_SECURE=1"):
        away(monkeypatch, "127.0.0.1:1", "_ALL_BROKERS_DOWN").partitions()
    with pytest.raises(Unavailable, match="No Kafka broker answers"):
        away(monkeypatch, "no-port", "_ALL_BROKERS_DOWN").partitions()
    met = away(monkeypatch, "127.0.0.1:1", "_ALL_BROKERS_DOWN")
    met._met = True
    with pytest.raises(Unavailable, match="No Kafka broker answers"):
        met.partitions()


def test_who_is_only_away_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    admin = away(monkeypatch, "no-port", "_ALL_BROKERS_DOWN")
    asked: list[float] = []

    def comes(timeout: float) -> SimpleNamespace:
        asked.append(timeout)
        if len(asked) < 3:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return SimpleNamespace(topics={"t": SimpleNamespace(partitions={0: None})})

    monkeypatch.setattr(admin._client, "list_topics", comes)
    assert admin.partitions(5.0) == {"t": 1}
    assert asked == [2.0, 2.0, 1.0]


def test_what_a_user_may_not_do_is_said_with_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    admin = KafkaAdmin(secured(tmp_path))
    error = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
    assert "User sluice-x may not do this: `sluice topics acls`" in str(admin.refusal(error))


class Topics:
    """Answers `partitions` as told, one after the other; the last one for ever."""

    def __init__(self, *answers: object) -> None:
        self.left = list(answers)

    def partitions(self, timeout_seconds: float) -> dict[str, int]:
        answer = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(answer, Exception):
            raise answer
        return dict.fromkeys(answer, 1)  # type: ignore[call-overload]


def test_what_is_waited_for_is_said_once(tmp_path: Path):
    said: list[str] = []
    log = SimpleNamespace(info=lambda _event, reason: said.append(reason))
    admin = Topics(Unavailable("away"), Unavailable("away"), ["a"], ["a"], ["a", "b"])
    wait_for_topics(admin, ["a", "b"], lambda _seconds: None, log)  # type: ignore[arg-type]
    assert said == ["away", "1 topics are not there, or not for this user to see"]


def test_a_user_that_nobody_makes_is_not_waited_for():
    pauses: list[float] = []
    with pytest.raises(ConfigurationError, match="not let in"):
        wait_for_topics(Topics(Unauthenticated("not let in")), ["a"], pauses.append)  # type: ignore[arg-type]
    assert len(pauses) == module._REFUSALS_BORNE


def test_a_record_that_may_not_be_read_is_not_a_missing_one(monkeypatch: pytest.MonkeyPatch):
    message = SimpleNamespace(error=lambda: KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    reader = SimpleNamespace(assign=lambda _: None, poll=lambda _: message, close=lambda: None)
    monkeypatch.setattr(module, "Consumer", lambda _config: reader)
    with pytest.raises(Unavailable, match="TOPIC_AUTHORIZATION_FAILED"):
        KafkaAdmin("127.0.0.1:1").record_time_ms("t", 0, 0)
