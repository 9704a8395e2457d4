"""Records nobody can use, before the real workers on a real broker: put away, and the good one behind goes on."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from confluent_kafka import Consumer, Message, Producer

from sluice import wiring
from sluice.clock import utc_now
from sluice.codec import Codec
from sluice.events import ChatRequested, DeadLetter, PromptReady, RequestEnriched
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import consumer_config, producer_config
from sluice.key_files import make_key_files, read_key_file
from sluice.letter_box import PRIVATE_FILE, take_out
from sluice.partitioning import partition_for
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.settings import Settings
from sluice.topics import catalogue
from tests.ports import free_ports
from tests.samples import SAMPLES, TRACE

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
QUESTION = "Please write to jane.roe@example.org today"
SESSION, TURN = f"s-{uuid4()}", str(uuid4())
PARTITION = partition_for(SESSION, catalogue()["chat-requests"].partitions)


def bad_records(good: bytes) -> list[tuple[bytes | None, str]]:
    return [
        (None, "null_record"),
        (b"", "empty_record"),
        (b"\xff\xfe garbage", "bad_magic_byte"),
        (b"\x00\x7f\xff\xff\xffxyz", "unknown_schema"),
        (good[:-4], "undecodable"),
        (good + b"\x00", "undecodable"),
        (CODEC.encode(SAMPLES["StopRequested"]), "unexpected_event"),
    ]


@dataclass
class Read:
    """What came out of the topics, as it comes."""

    consumer: Consumer
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    letters: dict[tuple[str, int], tuple[DeadLetter, Message]] = field(default_factory=dict)
    prompts: list[PromptReady] = field(default_factory=list)

    def until(self, enough: Callable[["Read"], bool]) -> None:
        while not enough(self):
            message = self.consumer.poll(1.0)
            if message is None:
                assert [worker.poll() for worker in self.workers] == [None, None], "a worker has ended"
                continue
            assert message.error() is None
            event = CODEC.decode(message.value())
            if isinstance(event, DeadLetter) and event.origin_partition == PARTITION:
                self.letters[event.origin_topic, event.origin_offset] = (event, message)
            elif isinstance(event, PromptReady) and event.turn_id == TURN:
                self.prompts.append(event)


@dataclass
class Written:
    """Reasons by topic and offset, and the bytes."""

    expected: dict[tuple[str, int], tuple[str, bytes | None]]


def free_offset() -> int:
    """Two neighbouring metrics ports that are free."""
    return next(port - 9402 for port in free_ports(20) if port - 9402 <= 50_000)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_key_files(folder / "keys")
    return folder


@pytest.fixture(scope="module")
def written(kafka: str, home: Path) -> Written:
    KafkaAdmin(kafka).apply(catalogue().values(), 1)
    sealer = wiring.sealer(Settings(home=home))
    text = sealer.seal(QUESTION, subject="usr_1", field="ChatRequested.text")
    request = msgspec.structs.replace(
        SAMPLES["ChatRequested"], turn_id=TURN, session_id=SESSION, text=text, context=None, occurred_at=utc_now()
    )
    assert isinstance(request, ChatRequested)
    enriched = SAMPLES["RequestEnriched"]
    assert isinstance(enriched, RequestEnriched)
    expected: dict[tuple[str, int], tuple[str, bytes | None]] = {}
    producer = Producer(producer_config(kafka, "test"))
    for topic, good in (("chat-requests", CODEC.encode(request)), ("chat-enriched", CODEC.encode(enriched))):
        for value, reason in bad_records(good):

            def noted(error: object, message: Message, reason: str = reason, value: bytes | None = value) -> None:
                assert error is None
                expected[str(message.topic()), int(message.offset() or 0)] = (reason, value)

            producer.produce(
                topic, value, SESSION, partition=PARTITION, headers={"traceparent": TRACE}, on_delivery=noted
            )
    producer.produce("chat-requests", CODEC.encode(request), SESSION, partition=PARTITION)
    assert producer.flush(30) == 0
    return Written(expected)


@pytest.fixture(scope="module")
def came_out(kafka: str, home: Path, written: Written) -> Iterator[Read]:
    environment = os.environ | {
        "SLUICE_HOME": str(home),
        "SLUICE_BROKER": kafka,
        "SLUICE_PORT_OFFSET": str(free_offset()),
    }
    consumer = Consumer(consumer_config(kafka, "test", f"g-{uuid4()}"))
    consumer.subscribe(["chat-requests-dlq", "chat-enriched-dlq", "chat-prompts"])
    read = Read(consumer)
    with ExitStack() as stack:
        stack.callback(consumer.close)
        for stage in ("enrich", "redact"):
            log = stack.enter_context((home / f"{stage}.log").open("wb"))
            worker = subprocess.Popen(
                [sys.executable, "-m", f"streams.{stage}"], env=environment, cwd=home, stdout=log, stderr=log
            )
            stack.callback(worker.wait, 30)
            stack.callback(worker.terminate)
            read.workers.append(worker)
        read.until(lambda r: len(r.letters) >= len(written.expected))
        yield read


def test_every_bad_record_is_put_away_with_its_reason_and_origin(came_out: Read, written: Written):
    assert {place: letter.reason for place, (letter, _) in came_out.letters.items()} == {
        place: reason for place, (reason, _) in written.expected.items()
    }
    for (topic, offset), (letter, message) in came_out.letters.items():
        assert message.topic() == f"{topic}-dlq"
        assert message.key() == f"{PARTITION}-{offset}".encode()
        assert letter.consumer_group == {"chat-requests": "sluice-enrich", "chat-enriched": "sluice-redact"}[topic]
        assert letter.traceparent == TRACE


def test_the_operator_can_read_the_bytes_again(came_out: Read, written: Written, home: Path):
    private = read_key_file(home / "keys", PRIVATE_FILE)
    for place, (letter, _) in came_out.letters.items():
        raw = None if letter.value is None else take_out(private, letter.value)
        assert raw == written.expected[place][1]
        assert letter.key is not None
        assert take_out(private, letter.key) == SESSION.encode()


def test_the_good_record_behind_them_goes_on_without_personal_data(came_out: Read):
    came_out.until(lambda read: bool(read.prompts))
    (prompt,) = came_out.prompts
    assert (prompt.question, prompt.redacted_types, prompt.refusal) == (
        "Please write to [EMAIL_1] today",
        {"EMAIL": 1},
        None,
    )
    assert [hop.stage for hop in prompt.hops] == ["accept", "enrich", "redact"]
    assert prompt.placeholders is not None


def test_the_log_lines_of_the_workers_hold_no_words(came_out: Read, home: Path):
    for stage in ("enrich", "redact"):
        lines = (home / f"{stage}.log").read_text()
        assert "record put away" in lines
        assert "jane" not in lines
