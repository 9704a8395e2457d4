"""A real worker over a topic of which nothing can be used: it stops, stays down, and loses nothing by being started."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from local.broker import running_broker
from sluice.cli import main
from sluice.kafka_admin import KafkaAdmin
from sluice.kafka_config import producer_config
from sluice.key_files import make_key_files
from sluice.process import ProcessExit
from sluice.topics import catalogue
from tests.ports import free_ports

RECORDS, WINDOW = 60, 10


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    with running_broker(tmp_path / "kafka", *free_ports(2)) as servers:
        yield servers


def letters(broker: str) -> int:
    return KafkaAdmin(broker).ends({"chat-enriched-dlq": 1})["chat-enriched-dlq", 0]


def test_a_burnt_fuse_keeps_the_stage_down_until_somebody_resets_it(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make_key_files(tmp_path / "keys")
    KafkaAdmin(broker).apply(catalogue().values(), 1)
    producer = Producer(producer_config(broker, "test"))
    for number in range(RECORDS):
        producer.produce("chat-enriched", b"garbage", str(number))
    assert producer.flush(10) == 0
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path))
    environment = os.environ | {
        "SLUICE_BROKER": broker,
        "SLUICE_FUSE_WINDOW": str(WINDOW),
        "SLUICE_RUNNING_TURNS": "4",
        "SLUICE_PORT_OFFSET": str(next(port - 9403 for port in free_ports(20) if port - 9403 <= 50_000)),
    }
    log = tmp_path / "redact.log"

    def start() -> int:
        with log.open("wb") as out:
            worker = subprocess.Popen(
                [sys.executable, "-m", "streams.redact"], env=environment, cwd=tmp_path, stdout=out, stderr=out
            )
            return worker.wait(90)

    assert start() == ProcessExit.SOFTWARE
    assert "fuse burnt" in log.read_text()
    put_away = letters(broker)
    assert WINDOW <= put_away < RECORDS

    assert start() == ProcessExit.CONFIG
    assert "sluice fuse reset redact" in log.read_text().splitlines()[-1]
    assert letters(broker) == put_away

    assert CliRunner().invoke(main.build(), ["fuse", "reset", "redact"]).exit_code == 0
    assert start() == ProcessExit.SOFTWARE
    assert letters(broker) > put_away
