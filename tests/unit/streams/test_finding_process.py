"""What a finder process does, spoken to over a socket pair."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from agents.personal.finding import find
from agents.personal.policy import Policy
from agents.personal.reading import Source
from agents.policies import load_policies
from sluice.errors import ConfigurationError
from sluice.process import ProcessExit
from streams.finding.model import load_detectors
from streams.finding.process import serve
from streams.finding.wire import Hello, HungUp, Ready, Search, Searched, receive, send

DEFAULT = load_policies()["default"]
TEXT = "write to jane@example.com"


@contextmanager
def serving(load) -> Iterator[tuple[socket.socket, list[ProcessExit | None]]]:
    ours, theirs = socket.socketpair()
    ended: list[ProcessExit | None] = []
    thread = threading.Thread(target=lambda: ended.append(serve(theirs, load)))
    with ours, theirs:
        thread.start()
        send(ours, Hello({"default": DEFAULT.model_dump_json()}))
        yield ours, ended
        ours.shutdown(socket.SHUT_RDWR)
        thread.join()


def sources() -> tuple[Source, ...]:
    return (Source(lambda reading: crash_at(reading.text), frozenset({"EMAIL"})),)


def crash_at(text: str):
    if "jane" in text and "Springfield" not in text:
        raise ValueError(text)
    return iter(())


def test_searches_until_the_worker_hangs_up():
    with serving(sources) as (line, ended):
        assert receive(line, Ready) == Ready()
        send(line, Search(7, "default", "nobody"))
        assert receive(line, Searched) == Searched(7, [])
    assert ended == [None]


def test_finds_what_is_found_in_the_process_itself():
    with serving(load_detectors) as (line, _):
        receive(line, Ready)
        send(line, Search(1, "default", TEXT))
        assert receive(line, Searched).spans == find(TEXT, DEFAULT, load_detectors())


@pytest.mark.parametrize(
    ("search", "error"), [(Search(1, "default", TEXT), "ValueError"), (Search(1, "other", "x"), "KeyError")]
)
def test_tells_an_error_by_its_kind_alone(search: Search, error: str):
    with serving(sources) as (line, _):
        receive(line, Ready)
        send(line, search)
        assert receive(line, Searched) == Searched(1, None, error)


def test_says_when_it_cannot_work():
    def missing() -> tuple[Source, ...]:
        raise ConfigurationError("there is no model")

    with serving(missing) as (line, ended):
        assert receive(line, Ready).reason == "there is no model"
    assert ended == [ProcessExit.CONFIG]


@pytest.mark.parametrize("sent", [struct.pack(">I", 2**31), struct.pack(">I", 3) + b"abc", b"\x00", b""])
def test_what_is_no_message_is_a_line_that_ended(sent: bytes):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(sent)
        ours.close()
        with pytest.raises(HungUp):
            receive(theirs, Searched)


def test_a_broken_line_is_a_line_that_ended():
    ours, theirs = socket.socketpair()
    theirs.close()
    with pytest.raises(HungUp):
        send(ours, Search(1, "", "x"))
    ours.close()
    with pytest.raises(HungUp):
        receive(ours, Searched)


def test_waits_for_a_bounded_time():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(TimeoutError):
            receive(ours, Searched, 0.0)
        ours.settimeout(0.01)
        with pytest.raises(TimeoutError):
            send(ours, Search(1, "", "x" * 10_000_000))


def test_types_that_are_none_are_no_answer():
    ours, theirs = socket.socketpair()
    wrong = msgspec.msgpack.encode(
        {"number": 1, "spans": [{"start": 0, "end": 1, "type": "SHOE", "score": 1, "detector": ""}]}
    )
    with ours, theirs:
        ours.sendall(struct.pack(">I", len(wrong)) + wrong)
        with pytest.raises(HungUp):
            receive(theirs, Searched)


def test_policies_are_those_of_the_worker():
    assert Policy.model_validate_json(DEFAULT.model_dump_json()) == DEFAULT
