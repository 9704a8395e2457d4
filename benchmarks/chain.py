"""The floor of a turn: the same four topics' worth of hops on the same broker, with bare librdkafka."""

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from benchmarks.measurement import NothingMeasured
from sluice.ids import new_id
from sluice.kafka_config import client_config, consumer_config, producer_config
from sluice.paths import checkout
from sluice.topics import catalogue

_TOPICS = ("bare-requests", "bare-enriched", "bare-prompts", "bare-replies")
_RECORD_BYTES = 600
"""About what a RequestEnriched of a short message weighs."""
_PATIENCE_SECONDS = 30.0


def partitions() -> int:
    """As many as the platform's chat topics have."""
    return catalogue()["chat-requests"].partitions


def make_topics(servers: str, names: tuple[str, ...]) -> None:
    """Fresh topics beside the platform's."""
    wanted = [NewTopic(name, num_partitions=partitions(), replication_factor=1) for name in names]
    admin = AdminClient(client_config(servers, "bare-admin"))
    for made in admin.create_topics(wanted).values():
        made.result(10)


def reader(servers: str, topic: str) -> Consumer:
    """All partitions from the beginning, without a group."""
    consumer = Consumer(consumer_config(servers, f"bare-{topic}", f"bare-{topic}-end"))
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions())])
    return consumer


@dataclass(slots=True)
class Chain:
    """Both ends of the chain. Values begin with a number, by which the way of a record is timed."""

    servers: str
    _arrived: dict[int, float] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _count: int = 0
    _producer: Producer = field(init=False)

    def __post_init__(self) -> None:
        """One producer for all runs: the first record of an idempotent one waits half a second for its id."""
        self._producer = Producer(producer_config(self.servers, "bare-start"))

    def milliseconds(self, rate: float, records: int) -> list[float]:
        """Send at `rate` and give the way of each record. Raises NothingMeasured where one does not arrive."""
        sent: dict[int, float] = {}
        begun = time.perf_counter()
        for number in range(records):
            time.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            self._count += 1
            value = self._count.to_bytes(8, "big").ljust(_RECORD_BYTES, b"x")
            sent[self._count] = time.perf_counter()
            self._producer.produce(_TOPICS[0], value, new_id().encode())
            self._producer.poll(0)
        self._producer.flush(10)
        self._await(sent)
        return [(self._arrived[number] - at) * 1000 for number, at in sent.items()]

    def _await(self, sent: dict[int, float]) -> None:
        deadline = time.perf_counter() + _PATIENCE_SECONDS
        while not sent.keys() <= self._arrived.keys():
            if time.perf_counter() > deadline:
                raise NothingMeasured(f"{len(sent.keys() - self._arrived.keys())} records are lost in the bare chain")
            time.sleep(0.01)

    def read(self) -> None:
        """In a thread of its own."""
        consumer = reader(self.servers, _TOPICS[-1])
        while not self._stopping.is_set():
            message = consumer.poll(0.1)
            if message is not None and message.error() is None:
                self._arrived[int.from_bytes((message.value() or b"")[:8], "big")] = time.perf_counter()
        consumer.close()

    def stop(self) -> None:
        """End the reader."""
        self._stopping.set()


@contextmanager
def bare_chain(servers: str) -> Iterator[Chain]:
    """Three forwarding processes between four topics, warm: records have gone through every partition."""
    make_topics(servers, _TOPICS)
    forwarders = [
        subprocess.Popen([sys.executable, "-m", "benchmarks.forwarder", servers, *pair], cwd=checkout())
        for pair in itertools.pairwise(_TOPICS)
    ]
    chain = Chain(servers)
    thread = threading.Thread(target=chain.read, daemon=True)
    thread.start()
    try:
        chain.milliseconds(50.0, 100)
        yield chain
    finally:
        chain.stop()
        for forwarder in forwarders:
            forwarder.terminate()
        for forwarder in forwarders:
            forwarder.wait(10)
        thread.join(5)
