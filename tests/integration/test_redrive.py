"""Dead letters go back once, on a real broker, whatever happens in between."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from sluice import redrive as module
from sluice import wiring
from sluice.acknowledged import AcknowledgedWriter
from sluice.cli import main
from sluice.dead_letter_topics import REDRIVEN, read
from sluice.dead_letters import LARGEST_BYTES, DeadLetters, Origin
from sluice.errors import RejectReason, Unavailable
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import consumer_config, producer_config
from sluice.key_files import make_key_files, read_key_file
from sluice.letter_box import PRIVATE_FILE, PUBLIC_FILE
from sluice.redrive import redrive
from sluice.settings import load_settings
from sluice.topics import catalogue
from tests.doubles import ManualClock
from tests.samples import TRACE

TOPIC = "erasure-requests"


@pytest.fixture
def platform(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLUICE_BROKER", kafka)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    settings = load_settings()
    make_key_files(settings.keys_dir)
    KafkaAdmin(kafka).apply(catalogue().values(), 1)
    return settings


def put_away(settings, *values: bytes | None) -> list[str]:
    """Records as they lie in the topic, and a letter for each. Gives the letters' ids."""
    codec = wiring.codec(settings)
    letters = DeadLetters(codec, read_key_file(settings.keys_dir, PUBLIC_FILE), "sluice-test", ManualClock())
    producer = Producer(producer_config(settings.bootstrap_servers, "test"))
    ids = []
    for value in values:
        placed: list[int] = []
        producer.produce(
            TOPIC, value, b"key", on_delivery=lambda _error, message, placed=placed: placed.append(message.offset())
        )
        producer.flush(10)
        origin = Origin(
            TOPIC, 0, placed[0], datetime.now(UTC), b"key", value, [("traceparent", TRACE.encode()), ("x", b"y")]
        )
        topic, letter = letters.letter(origin, RejectReason.UNDECODABLE, "test")
        producer.produce(topic, letter)
        event = codec.decode(letter)
        ids.append(event.event_id)
    producer.flush(10)
    return ids


def back(settings) -> list[tuple[bytes, bytes, dict[str, bytes]]]:
    """Records of the topic that were put back."""
    reader = Consumer(consumer_config(settings.bootstrap_servers, "test", "test"))
    _, end = reader.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=10)
    low, _ = reader.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=10)
    if low == end:
        reader.close()
        return []
    reader.assign([TopicPartition(TOPIC, 0, low)])
    found = []
    while True:
        message = reader.poll(10)
        headers = dict(message.headers() or [])
        if REDRIVEN in headers:
            found.append((message.key(), message.value(), headers))
        if message.offset() + 1 >= end:
            reader.close()
            return found


def run(*arguments: str):
    return CliRunner().invoke(main.build(), ["dlq", *arguments])


def test_a_letter_goes_back_once_with_key_and_trace(platform):
    first, second = put_away(platform, b"one", b"two")
    done = run("redrive", first)
    assert done.exit_code == 0, done.output
    assert "put back" in done.output
    again = json.loads(run("redrive", first, second, "--json").output)
    assert [row["outcome"] for row in again["letters"]] == ["was back already", "put back"]
    mine = [
        (key, value, h["traceparent"]) for key, value, h in back(platform) if h[REDRIVEN].decode() in (first, second)
    ]
    assert mine == [(b"key", b"one", TRACE.encode()), (b"key", b"two", TRACE.encode())]
    assert {row["outcome"] for row in json.loads(run("redrive", "--topic", TOPIC, "--json").output)["letters"]} == {
        "was back already"
    }


def forget_origin(settings) -> None:
    """As retention does."""
    end = KafkaAdmin(settings.bootstrap_servers).ends({TOPIC: 1})[TOPIC, 0]
    admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
    for future in admin.delete_records([TopicPartition(TOPIC, 0, end)]).values():
        future.result(10)


def test_a_letter_stays_back_when_the_origin_topic_has_forgotten_it(platform):
    (letter,) = put_away(platform, b"once")
    assert run("redrive", letter).exit_code == 0
    forget_origin(platform)
    again = json.loads(run("redrive", letter, "--json").output)
    assert [(row["outcome"], row["redriven"]) for row in again["letters"]] == [("was back already", True)]
    assert back(platform) == []
    assert json.loads(run("show", letter).output)["redriven"] is True
    assert {row["event_id"]: row["redriven"] for row in json.loads(run("list", "--json").output)}[letter] is True


def test_a_crash_before_the_note_is_made_good_by_the_next_run(platform, monkeypatch: pytest.MonkeyPatch):
    (letter,) = put_away(platform, b"once")
    real = AcknowledgedWriter.write

    def dies(self, records):
        records = list(records)
        if records and records[0].topic != TOPIC:
            raise KeyboardInterrupt
        return real(self, records)

    monkeypatch.setattr(AcknowledgedWriter, "write", dies)
    assert run("redrive", letter).exit_code != 0
    monkeypatch.undo()
    monkeypatch.setenv("SLUICE_BROKER", platform.bootstrap_servers)
    monkeypatch.setenv("SLUICE_HOME", str(platform.home))
    assert json.loads(run("show", letter).output)["redriven"] is False
    assert "was back already" in run("redrive", letter).output
    assert [h[REDRIVEN].decode() for _, _, h in back(platform)].count(letter) == 1
    forget_origin(platform)
    assert "was back already" in run("redrive", letter).output


def test_what_was_not_acknowledged_is_not_counted(platform, monkeypatch: pytest.MonkeyPatch):
    (letter,) = put_away(platform, b"never")
    monkeypatch.setattr(AcknowledgedWriter, "write", lambda _self, _records: set())
    done = run("redrive", letter)
    assert done.exit_code == 3
    assert "1 not acknowledged" in done.output
    assert "Run the command again" in done.output


def test_what_cannot_go_back_is_named(platform, tmp_path):
    empty, large = put_away(platform, None, b"x" * (LARGEST_BYTES + 1))
    done = run("redrive", empty, large, "no-such-letter")
    assert done.exit_code == 1
    assert "2 has no bytes" in done.output
    assert "no dead letter no-such-letter" in done.output
    (other,) = put_away(platform, b"sealed to somebody else")
    (platform.keys_dir / PRIVATE_FILE).write_bytes(b"\x07" * 32)
    done = run("redrive", other)
    assert (done.exit_code, "cannot be opened" in done.output) == (1, True)


def test_it_must_be_said_which(platform):
    assert run("redrive").exit_code == 2
    assert run("show", "nothing").exit_code == 1


def test_one_letter_is_shown_without_its_bytes(platform):
    (letter,) = put_away(platform, b"secret words")
    shown = json.loads(run("show", letter).output)
    assert (shown["origin_topic"], shown["reason"]) == (TOPIC, "undecodable")
    assert "value" not in shown


def test_without_a_broker_it_says_so(platform, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLUICE_BROKER", "127.0.0.1:1")
    assert run("redrive", "--all").exit_code == 3
    assert run("show", "x").exit_code == 3


def test_a_log_that_falls_silent_is_no_answer(platform, monkeypatch: pytest.MonkeyPatch):
    put_away(platform, b"a", b"b")
    held = read(platform.bootstrap_servers, wiring.codec(platform))
    letters = [letter for letter in held.letters if letter.origin_topic == TOPIC]
    private = read_key_file(platform.keys_dir, PRIVATE_FILE)
    monkeypatch.setattr(module, "_SECONDS", 0.0)
    with pytest.raises(Unavailable):
        redrive(letters, (), platform.bootstrap_servers, private)
