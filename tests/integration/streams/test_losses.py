"""What Faust's own transport loses, and that ours does not. One row of the table in decision 0007 each.

The stock half keeps the table honest: if Faust mends its arithmetic, the test says so and the transport may go.
"""

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupState, Producer
from confluent_kafka.admin import AdminClient

from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import producer_config
from sluice.topics import Topic
from tests.waiting import until

SCRIPT = Path(__file__).with_name("loss_worker.py")
SLOW, LAST = -1, 60


@dataclass
class Bench:
    """One topic of one partition, and workers on it."""

    servers: str
    folder: Path
    transport: str
    name: str = field(default_factory=lambda: f"loss-{uuid.uuid4().hex[:8]}")
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def make_topic(self) -> None:
        topic = Topic(self.name, (), "key", 1, 1, "clean", "test", (), ())
        KafkaAdmin(self.servers).apply([topic], 1)

    def send(self, numbers: list[tuple[str, int]]) -> None:
        producer = Producer(producer_config(self.servers, "loss-test"))
        for key, number in numbers:
            producer.produce(self.name, str(number).encode(), key.encode())
        assert producer.flush(10) == 0

    def start(self, *, fails: bool = False, wait_empty: bool = True, concurrency: int = 2, pause: float = 0.0) -> None:
        asked = {
            "servers": self.servers,
            "folder": str(self.folder),
            "transport": self.transport,
            "topic": self.name,
            "group": self.name,
            "fails": fails,
            "wait_empty": wait_empty,
            "concurrency": concurrency,
            "pause": pause,
        }
        with (self.folder / "log").open("ab") as log:
            self.workers.append(
                subprocess.Popen([sys.executable, str(SCRIPT), json.dumps(asked)], stdout=log, stderr=log)
            )

    def end(self, how: signal.Signals) -> None:
        worker = self.workers.pop()
        worker.send_signal(how)
        worker.wait(30)

    def handled(self) -> set[int]:
        file = self.folder / "handled"
        return set(map(int, file.read_text().split())) if file.exists() else set()

    def committed(self) -> int:
        return KafkaAdmin(self.servers).committed(self.name).get((self.name, 0), 0)

    def settled_with(self, members: int) -> bool:
        """Whether the group has so many members and knows who reads what.

        With stock Faust it does not come to know while the slow event runs: its worker holds up the rebalance.
        """
        admin = AdminClient({"bootstrap.servers": self.servers})
        found = admin.describe_consumer_groups([self.name])[self.name].result(10)
        knows = found.state is ConsumerGroupState.STABLE or self.transport == "stock"
        return knows and len(found.members) == members

    def go(self) -> None:
        (self.folder / "go").touch()


@pytest.fixture(params=["stock", "librdkafka"])
def bench(request: pytest.FixtureRequest, kafka: str, tmp_path: Path) -> Iterator[Bench]:
    yield from _bench(kafka, tmp_path, request.param)


@pytest.fixture
def classic(kafka: str, tmp_path: Path) -> Iterator[Bench]:
    yield from _bench(kafka, tmp_path, "classic")


def _bench(kafka: str, tmp_path: Path, transport: str) -> Iterator[Bench]:
    bench = Bench(kafka, tmp_path, transport)
    bench.make_topic()
    yield bench
    for worker in bench.workers:
        worker.kill()
        worker.wait()


def one_slow_among_fast() -> list[tuple[str, int]]:
    return [("slow", SLOW), *((f"k{n}", n) for n in range(1, LAST + 1))]


FAST = set(range(1, LAST + 1))


def test_a_slow_event_among_fast_ones_and_a_kill(bench: Bench):
    bench.send(one_slow_among_fast())
    bench.start()
    assert until(lambda: bench.handled() >= FAST)
    lost = until(lambda: bench.committed() > 0, 90 if bench.transport == "stock" else 3)
    bench.end(signal.SIGKILL)
    bench.go()
    bench.start()
    back = until(lambda: SLOW in bench.handled(), 12 if lost else 90)
    assert (lost, back) == ((True, False) if bench.transport == "stock" else (False, True))


def test_an_exception_that_leaves_the_body(bench: Bench):
    bench.send(one_slow_among_fast())
    bench.start(fails=True)
    if bench.transport == "stock":
        assert until(lambda: bench.handled() >= FAST and bench.committed() > LAST)
        bench.end(signal.SIGKILL)
    else:
        bench.workers.pop().wait(90)
        assert bench.committed() == 0
    bench.go()
    bench.start()
    back = until(lambda: SLOW in bench.handled(), 8 if bench.transport == "stock" else 90)
    assert back == (bench.transport != "stock")


def test_a_stop_that_does_not_wait(bench: Bench):
    bench.send(one_slow_among_fast())
    bench.start(wait_empty=False)
    assert until(lambda: bench.handled() >= FAST)
    bench.end(signal.SIGTERM)
    lost = bench.committed() > 0
    bench.go()
    bench.start()
    back = until(lambda: SLOW in bench.handled(), 8 if lost else 90)
    assert (lost, back) == ((True, False) if bench.transport == "stock" else (False, True))


def test_order_within_a_key(bench: Bench):
    bench.send([(f"k{n % 5}", n) for n in range(1, LAST + 1)])
    bench.start(concurrency=50, pause=0.02)
    assert until(lambda: bench.handled() >= FAST)
    assert (bench.folder / "overlaps").exists() == (bench.transport == "stock")


def test_a_slow_event_does_not_hold_other_keys(bench: Bench):
    bench.send(one_slow_among_fast())
    bench.start(concurrency=1)
    assert until(lambda: bench.handled() >= FAST, 10 if bench.transport == "stock" else 90) == (
        bench.transport != "stock"
    )


def test_a_rebalance_and_a_kill(bench: Bench):
    """The slow event's worker loses its partition to nobody: a second member joins and leaves, then the first dies."""
    bench.send(one_slow_among_fast())
    bench.start()
    assert until(lambda: bench.handled() >= FAST)
    bench.start()
    assert until(lambda: bench.settled_with(2))
    bench.end(signal.SIGKILL)
    bench.end(signal.SIGKILL)
    bench.go()
    bench.start()
    back = until(lambda: SLOW in bench.handled(), 10 if bench.transport == "stock" else 90)
    assert back == (bench.transport != "stock")


def test_the_classic_protocol_loses_nothing_either(classic: Bench):
    """Everything is revoked when a second member joins, and the partition may move with its slow event unfinished."""
    classic.send(one_slow_among_fast())
    classic.start()
    assert until(lambda: classic.handled() >= FAST)
    classic.start()
    assert until(lambda: classic.settled_with(2))
    assert classic.committed() == 0
    classic.go()
    assert until(lambda: SLOW in classic.handled())
    assert until(lambda: classic.committed() == LAST + 1)
