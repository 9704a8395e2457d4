"""What one worker on one core does at saturation without a model, and what the schedule costs an event."""

import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition

from benchmarks.chain import make_topics, partitions
from benchmarks.measurement import NothingMeasured, Result
from benchmarks.options import Options
from benchmarks.running import progress
from local.broker import running_broker
from sluice.kafka_config import consumer_config, producer_config
from sluice.paths import checkout
from sluice.settings import Settings
from streams.schedule import Schedule

_EVENTS, _SESSIONS, _BYTES = 60_000, 2_000, 600
_SCHEDULED, _KNOWN = 200_000, 10_000
_BAR_EVENTS, _BAR_MICROSECONDS = 10_000.0, 20.0
_PATIENCE_SECONDS = 120.0


def stage(options: Options) -> Result:
    """The schedule needs no broker; the stage has one of its own."""
    result = Result(
        "stage",
        notes=[
            (
                f"schedule.event: offer, take and done of one event, {_KNOWN} sessions one after the other; "
                "schedule.event_full: while a worker's limit of sessions runs and one waits; floor is the bar of 20 us."
            ),
            (
                f"stage.throughput: {_EVENTS} records of {_BYTES} bytes consumed, scheduled by session, produced, "
                "acknowledged and claimed by one worker on one core with a platform's own limits; floor is a plain "
                "librdkafka poll-and-produce loop on the same records and core, without acknowledging. stage.bar is "
                "the same beside 10,000 events/s."
            ),
        ],
    )
    limit = Settings().running_turns
    result.add("schedule.event", _schedule_microseconds(1), "us", _BAR_MICROSECONDS)
    result.add("schedule.event_full", _schedule_microseconds(limit), "us", _BAR_MICROSECONDS)
    ports = (9092 + options.port_offset, 9093 + options.port_offset)
    with (
        tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder,
        running_broker(Path(folder) / "kafka", *ports) as servers,
    ):
        make_topics(servers, ("stage-in", "stage-out", "stage-bare"))
        _fill(servers)
        python = [sys.executable, "-m"]
        bare = _rate(servers, "stage-bare", [*python, "benchmarks.forwarder", servers, "stage-in", "stage-bare"])
        progress(f"plain librdkafka {bare:.0f} events/s")
        ours = _rate(
            servers, "stage-out", [*python, "benchmarks.passing_stage", servers, "stage-in", "stage-out", folder]
        )
    result.add("stage.throughput", ours, "events/s", bare)
    result.add("stage.bar", ours, "events/s", _BAR_EVENTS)
    return result


def _schedule_microseconds(at_once: int) -> float:
    """An event's share, while so many sessions have running work and the others had theirs before."""
    schedule: Schedule[int, int] = Schedule(at_once, at_once)
    running: deque[int] = deque()
    begun = time.perf_counter()
    for number in range(_SCHEDULED):
        schedule.offer(number % _KNOWN, number)
        if len(running) == at_once:
            schedule.done(running.popleft())
        taken = schedule.take()
        if taken is None:
            raise NothingMeasured("the schedule gave no job")
        running.append(taken[0])
    return (time.perf_counter() - begun) / _SCHEDULED * 1_000_000


def _fill(servers: str) -> None:
    producer = Producer(producer_config(servers, "bench") | {"linger.ms": 20})
    for number in range(_EVENTS):
        producer.produce("stage-in", b"x" * _BYTES, f"session-{number % _SESSIONS}".encode())
        producer.poll(0)
    if producer.flush(60):
        raise NothingMeasured("the broker did not take the records")


def _rate(servers: str, target: str, words: list[str]) -> float:
    """Events a second from the first to the last record in the target."""
    reader = Consumer(consumer_config(servers, "bench", "bench"))
    worker = psutil.Popen(words, cwd=checkout(), stdout=subprocess.DEVNULL)
    worker.cpu_affinity([0])
    try:
        begun, first = 0.0, 0
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            ends = (reader.get_watermark_offsets(TopicPartition(target, p), timeout=10) for p in range(partitions()))
            done = sum(high for _, high in ends)
            if done and not begun:
                begun, first = time.perf_counter(), done
            if done >= _EVENTS:
                return (done - first) / (time.perf_counter() - begun)
            time.sleep(0.01)
    finally:
        worker.kill()
        worker.wait()
        reader.close()
    raise NothingMeasured(f"{target}: not all records came through in {_PATIENCE_SECONDS:.0f} s")
