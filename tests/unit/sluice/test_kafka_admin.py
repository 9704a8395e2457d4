"""What a broker that is there may answer, in place of an answer."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from sluice import kafka_admin as module
from sluice.errors import Unavailable
from sluice.kafka_admin import KafkaAdmin


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


def test_a_record_that_may_not_be_read_is_not_a_missing_one(monkeypatch: pytest.MonkeyPatch):
    message = SimpleNamespace(error=lambda: KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    reader = SimpleNamespace(assign=lambda _: None, poll=lambda _: message, close=lambda: None)
    monkeypatch.setattr(module, "Consumer", lambda _config: reader)
    with pytest.raises(Unavailable, match="TOPIC_AUTHORIZATION_FAILED"):
        KafkaAdmin("127.0.0.1:1").record_time_ms("t", 0, 0)
