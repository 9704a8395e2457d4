"""What failed is restarted, later each time; what is away is waited for; what was put away becomes letters."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.connect.letters import RawLetters, rejection
from connectors.connect.rest import ConnectorState
from connectors.connect.watch import Watch
from sluice.dead_letters import Origin
from sluice.errors import Rejected, RejectReason, Unavailable
from tests.doubles import NOON
from tests.unit.connectors.doubles import FakeMessage


@dataclass
class FakeConnect:
    """Connectors that fail when told."""

    failing: set[str] = field(default_factory=set)
    restarted: list[str] = field(default_factory=list)
    away: bool = False

    def states(self) -> list[ConnectorState]:
        if self.away:
            raise Unavailable("away")
        states = {name: ("RUNNING", "FAILED" if name in self.failing else "RUNNING") for name in ("a", "b")}
        return [ConnectorState(name, states[name], "SomeException") for name in states]

    def restart(self, name: str) -> None:
        self.restarted.append(name)


@dataclass
class FakeLetters:
    waiting: int = 0

    def carry(self) -> int:
        carried, self.waiting = self.waiting, 0
        return carried


@dataclass
class Notes:
    """A log."""

    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def info(self, message: str, /, **fields: Any) -> None:
        self.lines.append((message, fields))

    warning = error = info


@dataclass
class Watched:
    """A watch over doubles, and a clock."""

    connect: FakeConnect = field(default_factory=FakeConnect)
    letters: FakeLetters = field(default_factory=FakeLetters)
    log: Notes = field(default_factory=Notes)
    now: float = 100.0

    def __post_init__(self) -> None:
        self.watch = Watch(self.connect, self.letters, self.log, lambda: self.now)

    def look(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.watch.look()


def test_what_runs_is_left_alone() -> None:
    watched = Watched()
    watched.look()
    assert (watched.connect.restarted, watched.log.lines) == ([], [])


def test_what_fails_again_and_again_is_given_more_time() -> None:
    watched = Watched()
    watched.connect.failing = {"b"}
    watched.look()
    for _ in range(600):
        watched.look(1)
    assert watched.connect.restarted == ["b"] * 9  # at 0, 2, 6, 14, 30, 62, 126, 254, 510
    assert watched.log.lines[0] == ("connector restarted", {"connector": "b", "reason": "SomeException"})


def test_what_runs_again_for_a_while_begins_anew() -> None:
    watched = Watched()
    watched.connect.failing = {"b"}
    watched.look()
    watched.connect.failing = set()
    watched.look(1)  # not for long enough
    watched.connect.failing = {"b"}
    watched.look(2)
    assert watched.connect.restarted == ["b", "b"]
    watched.connect.failing = set()
    watched.look(60)
    watched.connect.failing = {"b"}
    watched.look(1)
    watched.look(2)
    assert len(watched.connect.restarted) == 4


def test_a_connect_that_is_away_is_said_once() -> None:
    watched = Watched()
    watched.connect.away = True
    watched.letters.waiting = 3
    watched.look()
    watched.look()
    assert [line[0] for line in watched.log.lines] == ["waiting for what is away"]
    watched.connect.away = False
    watched.look()
    watched.connect.away = True
    watched.look()
    assert [line[0] for line in watched.log.lines[1:]] == ["records put away by connect", "waiting for what is away"]


def test_it_runs_until_told_to_stop() -> None:
    watched, stopping = Watched(), threading.Event()
    watched.letters.carry = lambda: stopping.set() or 1  # type: ignore[method-assign,func-returns-value]
    watched.watch.run(stopping)
    assert watched.log.lines == [("records put away by connect", {"records": 1})]


def raw(**told: str) -> Origin:
    context = {"topic": "llm-usage", "partition": "3", "offset": "42", "exception.class.name": "x.DataException"} | told
    headers = [(f"__connect.errors.{name.replace('_', '.')}", value.encode()) for name, value in context.items()]
    return Origin("connect-dead-letters", 0, 7, NOON, b"k", b"v", [("traceparent", b"t"), *headers])


def test_a_letter_says_where_the_record_was_and_why() -> None:
    found = rejection(raw(exception_message="unknown_schema: schema id 9"))
    assert found is not None
    origin, rejected = found
    assert origin == Origin("llm-usage", 3, 42, NOON, b"k", b"v", [("traceparent", b"t")])
    assert (rejected.reason, rejected.detail) == (RejectReason.UNKNOWN_SCHEMA, "schema id 9")


def test_words_that_are_not_ours_stay_out_of_letters() -> None:
    found = rejection(raw(exception_message="no number: Anna Miller"))
    assert found is not None
    assert (found[1].reason, found[1].detail) == (RejectReason.UNDECODABLE, "x.DataException")


def test_what_does_not_come_from_connect_is_none() -> None:
    assert rejection(Origin("connect-dead-letters", 0, 7, NOON, None, b"v", [])) is None
    assert rejection(raw(offset="many")) is None


@dataclass
class FakeConsumer:
    messages: list[FakeMessage]
    commits: list[int] = field(default_factory=list)
    refuses: bool = False

    def consume(self, _most: int, _seconds: float) -> list[FakeMessage]:
        given, self.messages = self.messages, []
        return given

    def commit(self, message: FakeMessage, asynchronous: bool) -> None:
        assert not asynchronous
        if self.refuses:
            raise KafkaException(KafkaError(KafkaError.NOT_COORDINATOR))
        self.commits.append(message.at)


@dataclass
class FakeOffice:
    letters: list[tuple[Origin, Rejected]] = field(default_factory=list)
    settled: int = 0

    def put(self, origin: Origin, rejected: Rejected) -> None:
        self.letters.append((origin, rejected))

    def settle(self) -> None:
        self.settled = len(self.letters)


@dataclass
class FakeAdmin:
    cuts: list[tuple[str, int, int]] = field(default_factory=list)

    def cut(self, topic: str, partition: int, before: int) -> None:
        self.cuts.append((topic, partition, before))


def message(at: int, topic: str = "llm-usage") -> FakeMessage:
    return FakeMessage("connect-dead-letters", at, b"v", sent_headers=raw(topic=topic).headers)  # type: ignore[arg-type]


def carrier(*messages: FakeMessage) -> tuple[RawLetters, FakeConsumer, FakeOffice, FakeAdmin]:
    parts = FakeConsumer([*messages]), FakeOffice(), FakeAdmin()
    return RawLetters(*parts), *parts  # type: ignore[arg-type]


def test_letters_are_written_before_the_topic_is_emptied() -> None:
    raw_letters, consumer, office, admin = carrier(message(4), message(5, "chat-turns-dlq"), message(6))
    assert raw_letters.carry() == 2  # no letter about a letter
    assert [origin.topic for origin, _ in office.letters] == ["llm-usage"] * 2
    assert office.letters[0][0].timestamp == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (office.settled, consumer.commits, admin.cuts) == (2, [6], [("connect-dead-letters", 0, 7)])
    assert raw_letters.carry() == 0
    assert len(admin.cuts) == 1


def test_a_broker_that_stumbles_costs_nothing() -> None:
    raw_letters, consumer, _, admin = carrier(message(4))
    consumer.refuses = True
    with pytest.raises(Unavailable, match="NOT_COORDINATOR"):
        raw_letters.carry()
    assert admin.cuts == []
    consumer.messages = [FakeMessage("connect-dead-letters", 4, failure=KafkaError(KafkaError._TRANSPORT))]
    with pytest.raises(Unavailable, match="_TRANSPORT"):
        raw_letters.carry()
