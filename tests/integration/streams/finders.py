"""Finder processes that go wrong, each in its own way: `python finders.py KIND`."""

import os
import socket
import struct
import sys
import time

from agents.personal.spans import Span
from streams.finding.wire import Hello, Ready, Search, Searched, receive, send


def answer(kind: str, search: Search, line: socket.socket) -> None:
    bad = {
        "other-number": Searched(search.number + 1, []),
        "outside": Searched(search.number, [Span(0, len(search.text) + 1, "EMAIL", 1.0, "x")]),
        "overlapping": Searched(search.number, [Span(0, 2, "EMAIL", 1.0, "x"), Span(1, 3, "EMAIL", 1.0, "x")]),
        "empty": Searched(search.number, [Span(1, 1, "EMAIL", 1.0, "x")]),
        "unasked": Searched(search.number, [Span(0, 1, "ORG", 1.0, "x")]),
        "crash": Searched(search.number, None, "ValueError"),
    }
    if search.text == "fine":
        send(line, Searched(search.number, []))
    elif kind in bad:
        send(line, bad[kind])
    elif kind == "hang":
        time.sleep(3600)
    elif kind == "die":
        os._exit(1)
    elif kind == "garbage":
        line.sendall(struct.pack(">I", 5) + b"gar\xffe")
    elif kind == "endless":
        line.sendall(struct.pack(">I", 2**32 - 1))
    elif kind == "half":
        line.sendall(struct.pack(">I", 100) + b"x")
        os._exit(0)


def main() -> None:
    kind = sys.argv[1]
    if kind == "never-begins":
        sys.exit(1)
    with socket.socket(fileno=sys.stdin.fileno()) as line:
        receive(line, Hello)
        if kind == "no-model":
            send(line, Ready("the model is missing: install it"))
            sys.exit(78)
        send(line, Ready())
        while True:
            answer(kind, receive(line, Search), line)


if __name__ == "__main__":
    main()
