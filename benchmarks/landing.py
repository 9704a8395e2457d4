"""How fast the landing sink works a backlog off, and with how much memory."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import psutil
from confluent_kafka import Producer

from benchmarks.measurement import NothingMeasured, Result
from benchmarks.options import Options
from benchmarks.running import environment_for, progress
from connectors.landing import GROUP, landed_topics
from connectors.seeding.shape import Plan, moments
from connectors.seeding.turns import Crowd, Turn
from local.broker import running_broker
from local.security import prepare
from sluice.clock import utc_now
from sluice.codec import Codec
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import producer_config
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.settings import Settings
from sluice.topics import catalogue, topic_of

_BAR_MB = 300.0
_TEMPLATE_TURNS = 3_000
_LOOK_SECONDS, _PATIENCE_SECONDS = 0.2, 1800.0
_NOTES = [
    "landing.rate: events a second from the start of the sink's process until all is committed.",
    "floor: a plain loop over the same records in the same run: consume, fastavro, pyarrow; nothing is checked.",
    "landing.memory: the largest resident size of the sink; the bar stands where the floor is.",
]


def landing(options: Options) -> Result:
    """The events of whole turns, in the order of the log."""
    result = Result("landing", notes=_NOTES)
    ports = (9092 + options.port_offset, 9093 + options.port_offset)
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        root = Path(folder)
        with running_broker(root / "kafka", *ports) as servers:
            KafkaAdmin(servers).apply(catalogue().values(), 1)
            _fill(servers, options.events)
            (root / "plain").mkdir()
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-m", "benchmarks.plain_writer", servers, str(root / "plain")], check=True)
            plain = options.events / (time.perf_counter() - begun)
            progress(f"plain writer {plain:.0f} events/s")
            ours, megabytes = _sink(root / "home", servers, options)
    result.add("landing.rate", ours, "events/s", plain)
    result.add("landing.memory", megabytes, "MB", _BAR_MB)
    result.details["events"] = options.events
    return result


def _fill(servers: str, events: int) -> None:
    """The same few thousand turns again and again: the sink goes by offsets."""
    producer = Producer(producer_config(servers, "bench") | {"linger.ms": 20, "queue.buffering.max.messages": 200_000})
    records = [*_records()]
    for number in range(events):
        topic, key, value = records[number % len(records)]
        while True:
            try:
                producer.produce(topic, value, key)
                break
            except BufferError:
                producer.poll(0.1)
        if number % 10_000 == 0:
            producer.poll(0)
    producer.flush(120)
    progress(f"{events} events on the log")


def _records() -> Iterator[tuple[str, bytes, bytes]]:
    codec = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
    day = (datetime.now(UTC) - timedelta(days=1)).date()
    chance = Plan(_TEMPLATE_TURNS, 1, day).chance(day)
    crowd = Crowd(chance, 100, 1)
    for accepted_at in moments(_TEMPLATE_TURNS, day, chance):
        for event in Turn(chance, accepted_at, *crowd.next()).events():
            yield topic_of(type(event).__name__), event.session_id.encode(), codec.encode(event)


def _sink(home: Path, servers: str, options: Options) -> tuple[float, float]:
    """Events a second, and the largest memory in MB. Raises NothingMeasured where rows are missing or doubled."""
    environment = environment_for(home, options.port_offset, SLUICE_BROKER=servers)
    prepare(Settings(home=home), utc_now())
    admin = KafkaAdmin(servers)
    topics = {topic.name: topic.partitions for topic in landed_topics()}
    wanted = {place: end for place, end in admin.ends(topics).items() if end}
    begun = time.perf_counter()
    process = psutil.Popen([sys.executable, "-m", "connectors.landing"], env=environment, stdout=subprocess.DEVNULL)
    try:
        most = 0
        while not _reached(admin, wanted):
            if process.poll() is not None or time.perf_counter() - begun > _PATIENCE_SECONDS:
                raise NothingMeasured("the sink ended, or did not come to the end of the log")
            most = max(most, process.memory_info().rss)
            time.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - begun
    finally:
        process.terminate()
        process.wait(30)
    files = home / "landing" / "*" / "date=*" / "*.parquet"
    counted = (
        "select count(*), count(distinct (_topic, _partition, _offset)) from read_parquet(?, union_by_name = true)"
    )
    found = duckdb.execute(counted, [str(files)]).fetchone()
    if found != (options.events, options.events):
        raise NothingMeasured(f"{options.events} events, landed rows and distinct ones {found}")
    return options.events / seconds, most / 1e6


def _reached(admin: KafkaAdmin, wanted: dict[tuple[str, int], int]) -> bool:
    committed = admin.committed(GROUP)
    return all(committed.get(place, 0) >= end for place, end in wanted.items())
