"""A log that fails in the middle of putting letters back."""

import pytest
from confluent_kafka import KafkaError

from sluice import redrive as module
from sluice.errors import Unavailable
from sluice.redrive import redrive
from tests.samples import SAMPLES


class Handle:
    """As much of a librdkafka handle as is used: one partition with one record to search."""

    def __init__(self, answer: object = None, left: int = 0) -> None:
        self.answer, self.left = answer, left

    def __call__(self, _config: object) -> "Handle":
        return self

    def get_watermark_offsets(self, _partition: object, timeout: float) -> tuple[int, int]:
        return 0, 10**9 if self.answer is not None else 0

    def assign(self, _partitions: object) -> None: ...

    def close(self) -> None: ...

    def poll(self, _seconds: float) -> object:
        return None if self.answer == "silence" else self.answer

    def consume(self, _count: int, _seconds: float) -> list[object]:
        return []

    def produce(self, *_arguments: object, **_named: object) -> None: ...

    def flush(self, _seconds: float) -> int:
        return self.left


class Broken:
    """A message that is an error."""

    def error(self) -> KafkaError:
        return KafkaError(KafkaError._ALL_BROKERS_DOWN)


@pytest.mark.parametrize(
    ("reader", "producer", "words"),
    [
        (Handle("silence"), Handle(), "stopped answering"),
        (Handle(Broken()), Handle(), "_ALL_BROKERS_DOWN"),
        (Handle(), Handle(left=1), "did not acknowledge every record"),
    ],
)
def test_what_the_log_does_not_take_or_give_is_said(monkeypatch: pytest.MonkeyPatch, reader, producer, words):
    monkeypatch.setattr(module, "Consumer", reader)
    monkeypatch.setattr(module, "Producer", producer)
    with pytest.raises(Unavailable, match=words):
        redrive([SAMPLES["DeadLetter"]], "nowhere:1", b"\x01" * 32)
