"""A platform without its workers: empty topics, a home of its own, and whole turns to put on the log."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import Producer

from sluice.codec import Codec
from sluice.events import Event, TurnEvent
from sluice.kafka_config import producer_config
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.topics import topic_of
from tests.landed import landed
from tests.samples import SAMPLES
from tests.waiting import until

CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
_STAGES = ("accept", "enrich", "redact", "respond")


def whole_turn(number: int, at: datetime) -> list[TurnEvent]:
    """What a turn with one attempt leaves for the warehouse: four stages, a ledger row, its end, its delivery."""
    turn: dict[str, Any] = {
        "turn_id": f"turn-{number}",
        "session_id": f"session-{number % 7}",
        "user_id": f"usr_{number % 3}",
    }

    def made(name: str, label: str, milliseconds: int, **changes: Any) -> TurnEvent:
        own = {"event_id": f"turn-{number}-{label}", "occurred_at": at + timedelta(milliseconds=milliseconds)}
        return msgspec.structs.replace(SAMPLES[name], **(turn | own | changes))  # type: ignore[return-value,type-var]

    stages = [
        made(
            "StageTimed",
            stage,
            10 * place,
            stage=stage,
            entered_at=at + timedelta(milliseconds=10 * place - 10),
            left_at=at + timedelta(milliseconds=10 * place),
            outcome="completed" if stage == "respond" else "passed",
        )
        for place, stage in enumerate(_STAGES, start=1)
    ]
    ends = [
        made("AttemptMetered", "metered", 38, outcome="completed", error_code=None),
        made("TurnFinished", "finished", 40, state="completed", error_code=None, accepted_at=at),
        made("TurnTimed", "timed", 45),
    ]
    return [*stages, *ends]


@dataclass
class Platform:
    """`variables` are the settings of its processes."""

    bootstrap_servers: str
    variables: dict[str, str]
    home: Path
    producer: Producer = field(init=False)
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _instances: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.producer = Producer(producer_config(self.bootstrap_servers, "tests"))

    def say(self, *events: Event) -> None:
        for event in events:
            assert isinstance(event, TurnEvent)
            self.producer.produce(topic_of(type(event).__name__), CODEC.encode(event), event.session_id)
            self.producer.poll(0)

    def say_bytes(self, topic: str, value: bytes | None) -> None:
        self.producer.produce(topic, value, "s", partition=0)

    def flush(self) -> None:
        assert self.producer.flush(30) == 0

    def start_sink(self) -> subprocess.Popen[bytes]:
        with (self.home / "landing.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "connectors.landing"], env=self.variables, stdout=log, stderr=log
            )
        self._running.append(process)
        return process

    def begin_sink(self) -> subprocess.Popen[bytes]:
        """It lands, and takes SIGTERM for what it is."""
        log = self.home / "landing.log"
        before = log.stat().st_size if log.exists() else 0
        process = self.start_sink()
        self.wait(lambda: b"landing sink started" in log.read_bytes()[before:])
        return process

    def start_bigquery_sink(self) -> subprocess.Popen[bytes]:
        """Those that run at the same time have metrics on ports of their own."""
        taken = {number for number, process in self._instances.items() if process.poll() is None}
        number = next(number for number in range(1, 51) if number not in taken)
        own = self.variables | {"SLUICE_INSTANCE": str(number)}
        with (self.home / "bigquery.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "connectors.bigquery"], env=own, stdout=log, stderr=log)
        self._running.append(process)
        self._instances[number] = process
        return process

    def stop(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()

    def sluice(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from sluice.cli.main import main; main()", *arguments],
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def landed(self, topic: str) -> tuple[int, int]:
        """Rows, and distinct places in the log."""
        return landed(self.home / "landing", topic)

    def wait(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        assert until(ready, seconds), (self.home / "landing.log").read_text()[-3000:]
