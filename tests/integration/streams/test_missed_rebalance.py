"""A member that missed what it should give back: the broker stands still in the middle of rebalances.

Several groups at once, so that at least one of them loses the answer that names the partitions. Without a bound on
`max.poll.interval.ms` about half of them stand for five minutes.
"""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest
from confluent_kafka import Consumer, TopicPartition

from local.broker import Broker
from local.jars import install, kafka_lib
from sluice.kafka_admin import KafkaAdmin, wait_for_topics
from sluice.kafka_config import Config
from sluice.kafka_producer import KafkaProducer
from sluice.topics import Topic
from streams.transport.options import options_for
from tests.ports import free_ports
from tests.waiting import until

GROUPS, PARTITIONS = 8, 4
STILL_SECONDS, APART_SECONDS, GRACE_SECONDS = 3.3, 0.1, 3.0
TOPIC = Topic("moved", (), "key", PARTITIONS, 1, "clean", "test", (), ())


@dataclass
class Holder:
    """A member that takes and gives back at once, polled from a thread."""

    config: Config
    held: set[int] = field(default_factory=set)
    _over: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        consumer = Consumer(self.config)
        consumer.subscribe([TOPIC.name], on_assign=self._take, on_revoke=self._give, on_lost=self._give)
        while not self._over.is_set():
            consumer.poll(0.05)
        consumer.close()

    def _take(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.held |= {one.partition for one in partitions}
        consumer.incremental_assign(partitions)

    def _give(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.held -= {one.partition for one in partitions}
        consumer.incremental_unassign(partitions)


@contextmanager
def started(broker: Broker) -> Iterator[subprocess.Popen[bytes]]:
    install(kafka_lib())
    broker.prepare()
    with (broker.folder / "broker.log").open("wb") as log:
        process = subprocess.Popen(broker.command, stdout=log, stderr=log)
    try:
        wait_for_topics(KafkaAdmin(broker.bootstrap_servers), ())
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.timeout(120)
def test_partitions_move_although_the_answer_that_names_them_is_lost(tmp_path: Path):
    broker = Broker(tmp_path, *free_ports(2))
    with started(broker) as process:
        KafkaAdmin(broker.bootstrap_servers).apply([TOPIC], 1)
        producer = KafkaProducer(broker.bootstrap_servers, "test", pytest.fail)

        def member(group: int) -> Holder:
            options = options_for(
                broker.bootstrap_servers,
                f"g-{group}",
                "consumer",
                6.0,
                producer,
                pytest.fail,
                grace_seconds=GRACE_SECONDS,
            )
            return Holder(options.member_config)

        first = [member(group) for group in range(GROUPS)]
        second: list[Holder] = []
        try:
            assert until(lambda: all(len(one.held) == PARTITIONS for one in first))
            for group in range(GROUPS):
                second.append(member(group))
                time.sleep(APART_SECONDS)
            process.send_signal(signal.SIGSTOP)
            time.sleep(STILL_SECONDS)
            process.send_signal(signal.SIGCONT)
            shared = until(lambda: all(len(one.held) == PARTITIONS // 2 for one in [*first, *second]), 60)
            assert shared, [(sorted(a.held), sorted(b.held)) for a, b in zip(first, second, strict=True)]
        finally:
            process.send_signal(signal.SIGCONT)
            for one in [*first, *second]:
                one.leave()
