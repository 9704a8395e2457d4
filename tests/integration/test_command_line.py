"""Corners of the command line that a healthy platform does not show."""

import asyncio
from importlib.metadata import EntryPoint

import pytest
import typer
from confluent_kafka import KafkaError, KafkaException
from typer.testing import CliRunner

from sluice import dead_letter_topics
from sluice.cli import chat, main, topics
from sluice.errors import ConfigurationError, Unavailable
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import producer_config
from sluice.kafka_producer import KafkaProducer, _settle
from sluice.topics import catalogue


@pytest.fixture
def run(kafka: str, monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("SLUICE_BROKER", kafka)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(main.build(), list(arguments))


def test_dead_letters_none_some_and_strange(kafka: str, run):
    from confluent_kafka import Producer

    from sluice import wiring
    from sluice.settings import Settings
    from tests.samples import SAMPLES

    assert run("topics", "apply").exit_code == 0
    admin = KafkaAdmin(kafka)
    name = "audit-log-dlq"
    codec = wiring.codec(Settings())
    producer = Producer(producer_config(kafka, "test"))
    for value in (b"strange", codec.encode(SAMPLES["StopRequested"]), codec.encode(SAMPLES["DeadLetter"])):
        producer.produce(name, value)
    producer.flush(10)
    assert admin.ends({name: 1})[name, 0] == 3
    done = run("dlq", "list", "--json")
    assert done.exit_code == 0, done.output
    assert '"detail": "EOFError"' in done.output


def test_no_dead_letters(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dead_letter_topics, "catalogue", dict)
    assert "no dead letters" in run("dlq", "list").output


def test_a_broker_that_falls_silent_under_the_reader(run, monkeypatch: pytest.MonkeyPatch):
    run("topics", "apply")
    monkeypatch.setattr(KafkaAdmin, "ends", lambda *_: {("audit-log-dlq", 0): 10**9})
    monkeypatch.setattr(dead_letter_topics, "_SILENCE_SECONDS", 0.0)
    done = run("dlq", "list")
    assert done.exit_code == 3
    assert "stopped answering" in done.output


def test_the_end_of_a_partition_ends_the_reading(run, monkeypatch: pytest.MonkeyPatch):
    run("topics", "apply")
    monkeypatch.setattr(KafkaAdmin, "ends", lambda *_: {("audit-log-dlq", 0): 10**9})
    assert run("dlq", "list").exit_code == 0


def test_watching_goes_on_until_ctrl_c(run, monkeypatch: pytest.MonkeyPatch):
    looks: list[float] = []

    def pause(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(topics.time, "sleep", pause)
    assert run("lag", "--watch").exit_code == 0
    assert len(looks) == 2


def test_missing_topics_are_named_by_the_doctor(run, kafka: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(KafkaAdmin, "partitions", lambda *_, **__: {})
    assert "sluice topics apply" in run("doctor").output


def test_topics_are_made_for_a_fresh_cluster(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(KafkaAdmin, "apply", lambda *_: ["chat-requests"])
    assert "created: chat-requests" in run("topics", "apply").output


def test_a_topic_that_somebody_else_made_meanwhile(kafka: str, monkeypatch: pytest.MonkeyPatch):
    admin = KafkaAdmin(kafka)
    admin.apply(catalogue().values(), 1)
    real = admin.partitions()
    monkeypatch.setattr(admin, "partitions", lambda: {k: v for k, v in real.items() if k != "audit-log"})
    assert admin.apply(catalogue().values(), 1) == []


def test_questions_to_a_broker_that_is_away():
    admin = KafkaAdmin("127.0.0.1:1", timeout_seconds=0.2)
    for question in (admin.cluster_id, admin.groups):
        with pytest.raises(Unavailable, match="No Kafka broker"):
            question()


def test_a_topic_with_another_partition_count_is_shown(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(KafkaAdmin, "partitions", lambda *_, **__: {"audit-log": 3})
    monkeypatch.setenv("COLUMNS", "250")
    shown = run("topics", "list").output
    assert "it has 3 partitions" in shown
    assert "sluice topics apply" in shown


async def test_the_producer_in_trouble(kafka: str, monkeypatch: pytest.MonkeyPatch):
    words: list[str] = []
    producer = KafkaProducer(kafka, "test", words.append, {"delivery.timeout.ms": 500, "request.timeout.ms": 300})
    producer.start()
    with pytest.raises(Unavailable, match=r"UNKNOWN_TOPIC|MSG_TIMED_OUT"):
        await (await producer.put("no-such-topic", "k", b"v", []))

    class Refusing:
        def produce(self, *_: object, **__: object) -> None:
            raise KafkaException(KafkaError(KafkaError._STATE))

    monkeypatch.setattr(producer, "_producer", Refusing())
    with pytest.raises(Unavailable, match="_STATE"):
        await producer.post("t", "k", b"v", [])
    monkeypatch.undo()
    producer._on_error(KafkaError(KafkaError._FATAL, "broken", fatal=True))
    producer._on_error(KafkaError(KafkaError._TRANSPORT))
    assert len(words) == 1
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    done.cancel()
    _settle(done, None, 0)
    await producer.stop()
    with pytest.raises(RuntimeError, match="start"):
        await KafkaProducer(kafka, "test", words.append).put("t", "k", b"v", [])


def test_a_package_that_is_not_installed_adds_no_command(monkeypatch: pytest.MonkeyPatch):
    there = EntryPoint("there", "sluice.cli.commands:commands", main.COMMAND_GROUP)
    gone = EntryPoint("gone", "no_such_package:commands", main.COMMAND_GROUP)
    monkeypatch.setattr(main, "entry_points", lambda **_: [gone, there])
    assert CliRunner().invoke(main.build(), ["--help"]).exit_code == 0


def test_a_wrong_configuration_ends_with_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def build() -> typer.Typer:
        raise ConfigurationError("set this")

    monkeypatch.setattr(main, "build", build)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert (ended.value.code, capsys.readouterr().err) == (3, "set this\n")


async def test_a_second_ctrl_c_leaves(monkeypatch: pytest.MonkeyPatch):
    import os
    import signal

    stop = asyncio.Event()

    async def busy() -> None:
        with chat._interrupts(stop):
            os.kill(os.getpid(), signal.SIGINT)
            await stop.wait()
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()

    task = asyncio.create_task(busy())
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)


def test_leaving_says_so(run, monkeypatch: pytest.MonkeyPatch):
    async def cancelled(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(chat, "_talk", cancelled)
    done = run("chat", "--token", "t")
    assert done.exit_code == 1
    assert "goes on without us" in done.output
