"""A log that fails in the middle of putting letters back."""

import msgspec
import pytest
from confluent_kafka import KafkaError, KafkaException

from sluice import acknowledged
from sluice import redrive as module
from sluice.acknowledged import AcknowledgedWriter, Record
from sluice.dead_letter_topics import REDRIVEN, is_note
from sluice.errors import Unavailable
from sluice.key_files import make_key_files, read_key_file
from sluice.letter_box import PRIVATE_FILE, PUBLIC_FILE, put_in
from sluice.redrive import redrive
from tests.samples import SAMPLES

NOTE = [(REDRIVEN, b"letter-1")]


class Reader:
    """As much of a librdkafka consumer as is used: one partition with more to search than it answers, or nothing."""

    def __init__(self, *answers: object) -> None:
        self.answers = answers
        self.coming: list[object] = []

    def __call__(self, _config: object) -> "Reader":
        return self

    def get_watermark_offsets(self, _partition: object, timeout: float) -> tuple[int, int]:
        return 0, 10**9 if self.answers else 0

    def assign(self, _partitions: object) -> None:
        self.coming = list(self.answers)

    def close(self) -> None: ...

    def poll(self, _seconds: float) -> object:
        return self.coming.pop(0)

    def consume(self, _count: int, _seconds: float) -> list[object]:
        return []


class Broken:
    """A message that is an error."""

    def error(self) -> KafkaError:
        return KafkaError(KafkaError._ALL_BROKERS_DOWN)


class Unrelated:
    """A record that came into the topic by itself, with many behind it."""

    def error(self) -> None: ...

    def headers(self) -> None: ...

    def topic(self) -> str:
        return SAMPLES["DeadLetter"].origin_topic

    def partition(self) -> int:
        return SAMPLES["DeadLetter"].origin_partition

    def offset(self) -> int:
        return 1


class Queue:
    """A librdkafka producer whose queue holds one record; `refused` topics fail in their report, `unknown` at once."""

    def __init__(self, refused: str = "", unknown: str = "") -> None:
        self.refused, self.unknown = refused, unknown
        self.reports: list[tuple[object, str]] = []
        self.polls = 0

    def __call__(self, _config: object) -> "Queue":
        return self

    def produce(self, topic: str, *_arguments: object, on_delivery: object, headers: object) -> None:
        if topic == self.unknown:
            raise KafkaException(KafkaError(KafkaError._UNKNOWN_TOPIC))
        if self.reports:
            raise BufferError
        self.reports.append((on_delivery, topic))

    def poll(self, _seconds: float) -> None:
        self.polls += 1
        for report, topic in self.reports:
            report(KafkaError(KafkaError._MSG_TIMED_OUT) if topic == self.refused else None, None)
        self.reports.clear()

    def flush(self) -> None:
        self.poll(0)


def record(name: str, topic: str) -> Record:
    return Record(name, topic, 0, b"k", b"v", [])


def test_a_full_queue_is_waited_for_and_only_what_is_acknowledged_counts(monkeypatch: pytest.MonkeyPatch):
    queue = Queue(refused="refused", unknown="unknown")
    monkeypatch.setattr(acknowledged, "Producer", queue)
    records = [record("a", "t"), record("b", "refused"), record("c", "unknown"), record("d", "t")]
    assert AcknowledgedWriter("nowhere:1", "test").write(records) == {"a", "d"}
    assert queue.polls == 3


@pytest.mark.parametrize(
    ("reader", "words"),
    [
        (Reader(None), "stopped answering"),
        (Reader(Unrelated(), None), "stopped answering"),
        (Reader(Broken()), "_ALL_BROKERS_DOWN"),
    ],
)
def test_a_log_that_cannot_be_searched_is_said(monkeypatch: pytest.MonkeyPatch, reader: Reader, words: str):
    monkeypatch.setattr(module, "Consumer", reader)
    with pytest.raises(Unavailable, match=words):
        redrive([SAMPLES["DeadLetter"]], (), "nowhere:1", b"\x01" * 32)


@pytest.mark.parametrize("refused", ["origin", "origin-dlq"])
def test_what_the_log_does_not_take_is_not_put_back(monkeypatch: pytest.MonkeyPatch, tmp_path, refused: str):
    make_key_files(tmp_path)
    value = put_in(read_key_file(tmp_path, PUBLIC_FILE), b"bytes")
    letter = msgspec.structs.replace(SAMPLES["DeadLetter"], key=None, value=value, origin_topic="origin")
    monkeypatch.setattr(module, "Consumer", Reader())
    monkeypatch.setattr(acknowledged, "Producer", Queue(refused=refused))
    private = read_key_file(tmp_path, PRIVATE_FILE)
    if refused == "origin":
        assert [result.outcome for result in redrive([letter], (), "nowhere:1", private)] == ["not acknowledged"]
    else:
        with pytest.raises(Unavailable, match=r"Records are back.*Run the command again"):
            redrive([letter], (), "nowhere:1", private)


@pytest.mark.parametrize(
    ("topic", "value", "headers", "note"),
    [
        ("llm-usage-dlq", None, NOTE, True),
        ("llm-usage-dlq", b"letter", NOTE, False),
        ("llm-usage-dlq", None, [], False),
        ("llm-usage-dlq", None, [(REDRIVEN, None)], False),
        ("llm-usage", None, NOTE, False),
    ],
)
def test_what_a_note_is(topic, value, headers, note):
    assert is_note(topic, value, headers) is note
