"""A gateway without Kafka: the real parts over a bridge that reads nothing and a log in memory."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from gateway.access import Access
from gateway.connection import Connection
from gateway.edge import Edge
from gateway.event_log import EventLog
from gateway.frames import Cancelled, ServerFrame
from gateway.history import History
from gateway.hub import Hub
from gateway.posting import Posting
from gateway.turns import Turns
from sluice.bots import load_bots
from sluice.codec import Codec
from sluice.key_store import MemoryKeyStore
from sluice.logs import get_logger
from sluice.metrics import make_metrics
from sluice.paths import data_folder
from sluice.schema_ids import LockFileIds
from sluice.sealing import Sealer
from sluice.settings import Settings
from sluice.tokens import issue, verify
from tests.doubles import ManualClock, MemoryLog

SEND = {"type": "message.send", "client_msg_id": "m-1", "session_id": "s-1", "text": "hello", "bot": "assistant"}
CODEC = Codec(LockFileIds(data_folder("avro") / "schema-ids.lock.json"))
SIGNING, PSEUDONYM = b"k" * 64, b"p" * 64


@dataclass
class QuietBridge:
    """Counts who wants what; `away` never catches up."""

    away: bool = False
    healthy: bool = True
    stopped: bool = False
    wanted: list[str] = field(default_factory=list)

    async def want(self, session_id: str) -> None:
        if self.away:
            raise TimeoutError
        self.wanted.append(session_id)

    def release(self, session_id: str) -> None:
        self.wanted.remove(session_id)

    async def stop(self) -> None:
        self.stopped = True


@dataclass
class QuietReading:
    """The history is whole, unless told otherwise; `behind` happens when somebody asks for what the log holds now."""

    away: bool = False
    asked: int = 0
    behind: Callable[[], None] = lambda: None

    async def caught_up_once(self) -> None:
        if self.away:
            raise TimeoutError

    async def catch_up(self) -> None:
        self.asked += 1
        if self.away:
            raise TimeoutError
        self.behind()


@dataclass
class StoppableLog(MemoryLog):
    """The producer of a whole process."""

    async def stop(self) -> int:
        return 0


def make_edge(folder: Path, **settings: Any) -> Edge:
    clock, log = ManualClock(), StoppableLog()
    metrics = make_metrics(CollectorRegistry())
    read = Settings(home=folder, **settings)
    hub = Hub(clock)
    sealer = Sealer(MemoryKeyStore(), "default")
    history = History(folder / "history.sqlite", "cluster")
    reading = QuietReading()
    events = EventLog(CODEC, log, Posting(log, metrics))
    turns = Turns(load_bots(read), history, reading, hub, events, sealer, clock)
    access = Access(SIGNING, PSEUDONYM, clock, read.token_seconds, read.takes_dev_tokens, read.allowed_origins)
    return Edge(read, access, turns, hub, QuietBridge(), log, metrics, get_logger())  # type: ignore[arg-type]


def bearer(edge: Edge, subject: str = "jane") -> dict[str, str]:
    return {"Authorization": f"Bearer {issue(subject, SIGNING, edge.turns.clock(), 3600)}"}


def connect(edge: Edge, subject: str = "jane") -> Connection:
    """A client of this person, without a socket."""
    token = issue(subject, SIGNING, edge.turns.clock(), 3600)
    return edge.connect(verify(token, SIGNING, PSEUDONYM, edge.turns.clock()))


async def say(connection: Connection, **frame: object) -> list[ServerFrame]:
    """A frame to the gateway; what it says to it at once."""
    connection.outbox.put(Cancelled("a mark, so that there is something to take", 0))
    await connection.receive(json.dumps(frame))
    return (await connection.outbox.take())[1:]
