"""The adapters over librdkafka, on a real broker."""

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource

from local.broker import running_broker
from sluice.errors import ConfigurationError, Rejected, Unavailable
from sluice.kafka_admin import KafkaAdmin, lag, wait_for_topics
from sluice.kafka_config import Headers, consumer_config
from sluice.kafka_fatal import is_fatal
from sluice.kafka_producer import KafkaProducer, Producing
from sluice.partitioning import partition_for
from sluice.topics import Topic
from tests.doubles import MemoryLog
from tests.ports import free_ports
from tests.waiting import until


def topic(partitions: int = 8) -> Topic:
    return Topic(f"t-{uuid4()}", ("StopRequested",), "session_id", partitions, 1, "clean", "o", ("p",), ("c",))


@pytest.fixture
def made(kafka: str) -> Topic:
    one = topic()
    assert KafkaAdmin(kafka).apply([one], 1) == [one.name]
    return one


def read(servers: str, name: str, count: int) -> list:
    consumer = Consumer(consumer_config(servers, "test", f"g-{uuid4()}"))
    consumer.subscribe([name])
    found = []
    while len(found) < count:
        message = consumer.poll(20.0)
        assert message is not None, f"{len(found)} of {count}"
        assert message.error() is None
        found.append(message)
    consumer.close()
    return found


@pytest.fixture(params=["memory", "kafka"])
async def log(request, kafka: str, made: Topic):
    """The port with a way to read back what was written, for both adapters."""
    if request.param == "memory":
        memory = MemoryLog()
        yield memory, made.name, lambda: [(r[1], r[2], r[3]) for r in memory.records]
        return
    producer = KafkaProducer(kafka, "test", pytest.fail)
    producer.start()
    yield producer, made.name, lambda: [(m.key().decode(), m.value(), m.headers()) for m in read(kafka, made.name, 20)]
    assert await producer.stop() == 0


async def test_what_was_acknowledged_is_on_the_log_in_order(log):
    port, name, records = log
    typed: Producing = port
    headers: Headers = [("traceparent", b"x")]
    for number in range(10):
        await typed.post(name, "session", str(number).encode(), headers)
        report = await typed.put(name, "session", f"put {number}".encode(), headers)
    assert await report == 19
    found = await asyncio.to_thread(records)
    expected = [value for n in range(10) for value in (str(n).encode(), f"put {n}".encode())]
    assert [value for _, value, _ in found] == expected
    assert {key for key, _, _ in found} == {"session"}
    assert all(list(h) == [("traceparent", b"x")] for _, _, h in found)


async def test_our_partitioner_is_librdkafkas(kafka: str, made: Topic):
    producer = KafkaProducer(kafka, "test", pytest.fail)
    producer.start()
    keys = [str(uuid4()) for _ in range(40)]
    for key in keys:
        await (await producer.put(made.name, key, b"v", []))
    await producer.stop()
    found = await asyncio.to_thread(read, kafka, made.name, 40)
    assert all(message.partition() == partition_for(message.key().decode(), 8) for message in found)


async def test_a_tombstone_goes_to_the_partition_that_was_chosen(kafka: str, made: Topic):
    producer = KafkaProducer(kafka, "test", pytest.fail)
    producer.start()
    producer.start()
    assert await (await producer.put_at(made.name, 5, b"gone", None, [])) == 0
    await producer.stop()
    (found,) = await asyncio.to_thread(read, kafka, made.name, 1)
    assert (found.partition(), found.key(), found.value()) == (5, b"gone", None)


async def test_a_record_that_is_too_large_is_rejected(kafka: str, made: Topic):
    producer = KafkaProducer(kafka, "test", pytest.fail)
    producer.start()
    with pytest.raises(Rejected, match="record_too_large"):
        await producer.put(made.name, "k", b"x" * 2_000_000, [])
    await producer.stop()


async def test_an_undelivered_post_ends_the_process():
    words: list[str] = []
    failed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_fatal(reason: str) -> None:
        words.append(reason)
        loop.call_soon_threadsafe(failed.set)

    producer = KafkaProducer("127.0.0.1:1", "test", on_fatal, {"delivery.timeout.ms": 200, "request.timeout.ms": 100})
    producer.start()
    await producer.post("t", "k", b"v", [])
    await asyncio.wait_for(failed.wait(), 60)
    assert "MSG_TIMED_OUT" in words[0]
    report = await producer.put("t", "k", b"v", [])
    with pytest.raises(Unavailable):
        await report
    await producer.stop(0.1)


async def test_a_full_queue_slows_the_writer_down_and_drops_nothing(kafka: str, made: Topic):
    producer = KafkaProducer(kafka, "test", pytest.fail, {"queue.buffering.max.messages": 10})
    producer.start()
    for number in range(200):
        await producer.post(made.name, "k", str(number).encode(), [])
    assert await producer.stop() == 0
    found = await asyncio.to_thread(read, kafka, made.name, 200)
    assert [int(m.value()) for m in found] == list(range(200))


def test_topics_are_made_once(kafka: str, made: Topic):
    admin = KafkaAdmin(kafka)
    assert admin.apply([made], 1) == []
    assert admin.partitions()[made.name] == 8
    wait_for_topics(admin, [made.name])


def test_retention_follows_the_catalogue(kafka: str, made: Topic):
    admin, client = KafkaAdmin(kafka), AdminClient({"bootstrap.servers": kafka})
    resource = ConfigResource(ConfigResource.Type.TOPIC, made.name)

    def kept() -> str:
        (found,) = client.describe_configs([resource]).values()
        return str(found.result(10)["retention.ms"].value)

    assert kept() == made.kafka_config["retention.ms"]
    longer = dataclasses.replace(made, retention_hours=made.retention_hours + 1)
    assert admin.apply([longer], 1) == []
    assert until(lambda: kept() == longer.kafka_config["retention.ms"])


async def test_the_front_of_a_partition_is_cut_off(kafka: str, made: Topic):
    producer = KafkaProducer(kafka, "test", lambda _reason: None)
    producer.start()
    partition = partition_for("k", made.partitions)
    for number in range(10):
        await producer.post(made.name, "k", str(number).encode(), [])
    await producer.stop()
    await asyncio.to_thread(KafkaAdmin(kafka).cut, made.name, partition, 7)
    reader = Consumer(consumer_config(kafka, "test", "test"))
    assert reader.get_watermark_offsets(TopicPartition(made.name, partition), timeout=10) == (7, 10)
    reader.close()


def test_another_partition_count_is_refused(kafka: str, made: Topic):
    with pytest.raises(ConfigurationError, match="8 partitions, the catalogue says 9"):
        KafkaAdmin(kafka).apply([dataclasses.replace(made, partitions=9)], 1)


def test_an_impossible_topic_says_why(kafka: str):
    with pytest.raises(Unavailable, match="could not be created"):
        KafkaAdmin(kafka).apply([topic()], 99)


def test_waits_for_topics_that_come_later(kafka: str):
    late = topic()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            KafkaAdmin(kafka).apply([late], 1)

    wait_for_topics(KafkaAdmin(kafka), [late.name], pause)
    assert len(pauses) >= 2


async def test_lag_in_records_and_seconds(kafka: str, made: Topic):
    producer = KafkaProducer(kafka, "test", pytest.fail)
    producer.start()
    for number in range(5):
        await (await producer.put(made.name, "one-key", str(number).encode(), []))
    await producer.stop()
    group = f"g-{uuid4()}"
    consumer = Consumer(consumer_config(kafka, "test", group))
    consumer.subscribe([made.name])
    first = consumer.poll(20.0)
    assert first is not None
    consumer.commit(message=first, asynchronous=False)
    admin = KafkaAdmin(kafka)
    rows = [row for row in lag(admin, [made.name], first.timestamp()[1] + 60_000) if row.group == group]
    consumer.close()
    row = next(row for row in rows if row.lag)
    assert (row.topic, row.committed, row.end, row.lag) == (made.name, 1, 5, 4)
    assert row.lag_seconds is not None
    assert 50 < row.lag_seconds <= 60
    assert admin.cluster_id()


def questions(admin: KafkaAdmin) -> list[Callable[[], object]]:
    return [
        lambda: admin.partitions(0.2),
        admin.cluster_id,
        admin.groups,
        lambda: admin.ends({"t": 1}),
        lambda: admin.committed("g"),
        lambda: admin.group_state("g"),
        lambda: admin.record_time_ms("t", 0, 0),
        lambda: admin.apply([topic()], 1),
        lambda: lag(admin, ["t"], 0),
    ]


@pytest.mark.parametrize("number", range(len(questions(KafkaAdmin("127.0.0.1:1")))))
def test_every_question_where_nobody_listens_is_unavailable(number: int):
    with pytest.raises(Unavailable, match="No Kafka broker"):
        questions(KafkaAdmin("127.0.0.1:1", timeout_seconds=0.2))[number]()


def test_every_question_to_a_broker_that_has_died_is_unavailable(tmp_path: Path):
    with running_broker(tmp_path, *free_ports(2)) as servers:
        admin = KafkaAdmin(servers, timeout_seconds=1.0)
        assert admin.apply([Topic("t", (), "session_id", 1, 1, "clean", "o", (), ())], 1) == ["t"]
        assert admin.ends({"t": 1}) == {("t", 0): 0}
        assert admin.record_time_ms("t", 0, 0) is None
    for question in questions(admin):
        with pytest.raises(Unavailable, match="Kafka"):
            question()


def test_no_broker_says_what_to_do():
    admin = KafkaAdmin("127.0.0.1:1")
    with pytest.raises(Unavailable, match="make up"):
        admin.partitions(0.2)


def test_whoever_another_has_fenced_off_is_done_for(kafka: str, made: Topic):
    """The broker's word for it comes as a message."""
    config = consumer_config(kafka, "test", f"g-{uuid4()}", {"group.instance.id": "one"})
    first, second = Consumer(config), Consumer(config)
    said: list[bool] = []

    def heard() -> list[bool]:
        second.poll(0)
        message = first.poll(0.1)
        said.extend([is_fatal(message.error())] if message is not None and message.error() is not None else [])
        return said

    first.subscribe([made.name])
    assert until(lambda: first.poll(0.1) is None and first.assignment())
    second.subscribe([made.name])
    assert until(heard)
    assert said[-1]
    second.close()
    first.close()
