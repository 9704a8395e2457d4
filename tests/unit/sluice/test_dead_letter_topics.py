"""A partition that fails while it is read."""

import pytest
from confluent_kafka import KafkaError

from sluice import dead_letter_topics as module
from sluice import wiring
from sluice.errors import Unavailable
from sluice.settings import Settings


class Broker:
    """As much of a consumer and an admin client as is used: one topic, whose only message is an error."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.closed = False

    def __call__(self, *_: object) -> "Broker":
        return self

    def partitions(self) -> dict[str, int]:
        return {"audit-log-dlq": 1}

    def ends(self, topics: dict[str, int]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(((name, 0) for name in topics), 5)

    def assign(self, _partitions: object) -> None: ...

    def poll(self, _seconds: float) -> "Broker":
        return self

    def close(self) -> None:
        self.closed = True

    def error(self) -> KafkaError:
        return KafkaError(self.code)

    def topic(self) -> str:
        return "audit-log-dlq"

    def partition(self) -> int:
        return 0


@pytest.mark.parametrize("code", [KafkaError._PARTITION_EOF, KafkaError.TOPIC_AUTHORIZATION_FAILED])
def test_only_its_end_ends_the_reading_of_a_partition(monkeypatch: pytest.MonkeyPatch, code: int):
    broker = Broker(code)
    monkeypatch.setattr(module, "KafkaAdmin", broker)
    monkeypatch.setattr(module, "Consumer", broker)
    codec = wiring.codec(Settings())
    if code == KafkaError._PARTITION_EOF:
        assert module.read("nowhere:1", codec).letters == []
    else:
        with pytest.raises(Unavailable, match="TOPIC_AUTHORIZATION_FAILED"):
            module.read("nowhere:1", codec)
    assert broker.closed
