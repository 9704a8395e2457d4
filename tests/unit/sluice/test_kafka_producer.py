"""What only a broker that refuses could bring about."""

import threading

import pytest
from confluent_kafka import KafkaError, KafkaException

from sluice import kafka_producer
from sluice.kafka_producer import KafkaProducer


class Refused:
    """librdkafka's producer of a principal without rights: the fatal error is raised by `poll`, once."""

    def __init__(self, _config: object) -> None:
        self.told = threading.Event()

    def poll(self, _seconds: float) -> int:
        if not self.told.is_set():
            self.told.set()
            raise KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, "no", True))
        return 0

    def flush(self, _seconds: float) -> int:
        return 0


async def test_a_fatal_error_that_is_raised_ends_the_process_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kafka_producer, "Producer", Refused)
    ended = threading.Event()
    told: list[str] = []

    def on_fatal(reason: str) -> None:
        told.append(reason)
        ended.set()

    producer = KafkaProducer("127.0.0.1:1", "test", on_fatal)
    producer.start()
    assert ended.wait(20)
    assert await producer.stop() == 0
    assert told == ["CLUSTER_AUTHORIZATION_FAILED"]
