"""What a worker and its finder processes say to each other over a socket: MessagePack behind a length of four bytes."""

import socket
import struct
import time
from typing import Final, TypeVar

import msgspec

from agents.personal.spans import Span

_LENGTH: Final = struct.Struct(">I")
_LONGEST: Final = 64_000_000
M = TypeVar("M")


class Hello(msgspec.Struct, frozen=True):
    """First, from the worker: policies by name, as JSON, so that both sides have the same ones."""

    policies: dict[str, str]


class Ready(msgspec.Struct, frozen=True):
    """The finder's answer to that. `reason` says why it cannot work: a person must put something right."""

    reason: str | None = None


class Search(msgspec.Struct, frozen=True):
    """A text and the name of a policy."""

    number: int
    policy: str
    text: str


class Searched(msgspec.Struct, frozen=True):
    """Spans; or the kind of error that kept the finder from finding them. Never a word of the text."""

    number: int
    spans: list[Span] | None
    error: str | None = None


class HungUp(Exception):
    """The other side has ended, or said what cannot be."""


def send(line: socket.socket, message: msgspec.Struct) -> None:
    """Raises HungUp; TimeoutError where the socket has a limit."""
    value = msgspec.msgpack.encode(message)
    try:
        line.sendall(_LENGTH.pack(len(value)) + value)
    except TimeoutError:
        raise
    except OSError as error:
        raise HungUp(type(error).__name__) from None


def receive(line: socket.socket, kind: type[M], deadline: float | None = None) -> M:
    """Raises HungUp, or TimeoutError at the deadline (of `time.monotonic`)."""
    (length,) = _LENGTH.unpack(_exactly(line, _LENGTH.size, deadline))
    if length > _LONGEST:
        raise HungUp("too long")
    value = _exactly(line, length, deadline)
    try:
        return msgspec.msgpack.decode(value, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise HungUp("not a message") from None


def _exactly(line: socket.socket, size: int, deadline: float | None) -> bytes:
    got = bytearray()
    while len(got) < size:
        if deadline is not None:
            line.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            piece = line.recv(size - len(got))
        except TimeoutError:
            raise
        except OSError as error:
            raise HungUp(type(error).__name__) from None
        if not piece:
            raise HungUp("end")
        got += piece
    return bytes(got)
