"""One finder process: `python -m streams.finding.process`, its line to the worker as standard input.

It ends when the worker does, since then the line ends. What goes wrong with a text is told by its kind alone.
"""

import gc
import signal
import socket
import sys
from collections.abc import Callable

from agents.personal.finding import find
from agents.personal.policy import Policy
from agents.personal.reading import Source
from sluice.errors import ConfigurationError
from sluice.process import ProcessExit
from streams.finding.model import load_detectors
from streams.finding.wire import Hello, HungUp, Ready, Search, Searched, receive, send

_WARM_UP = "Jane Doe of Springfield, jane@example.com, +1 650-253-0000, 4111 1111 1111 1111, 12 Main Street"


def serve(line: socket.socket, load: Callable[[], tuple[Source, ...]] = load_detectors) -> ProcessExit | None:
    """Until the worker hangs up; an exit code where a person must put something right first."""
    try:
        policies = {name: Policy.model_validate_json(text) for name, text in receive(line, Hello).policies.items()}
        try:
            sources = load()
        except ConfigurationError as error:
            send(line, Ready(str(error)))
            return ProcessExit.CONFIG
        for policy in policies.values():
            find(_WARM_UP, policy, sources)
        gc.freeze()  # Lists and model stay: nobody needs to look through them again and again.
        send(line, Ready())
        while True:
            send(line, _searched(receive(line, Search), policies, sources))
    except HungUp:
        return None


def _searched(search: Search, policies: dict[str, Policy], sources: tuple[Source, ...]) -> Searched:
    try:
        return Searched(search.number, find(search.text, policies[search.policy], sources))
    except Exception as error:  # noqa: BLE001 (its words may quote the text)
        return Searched(search.number, None, type(error).__name__)


def main() -> None:
    """Ctrl-C in a terminal reaches the whole group: the worker decides when this ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=sys.stdin.fileno()) as line:
        sys.exit(serve(line))


if __name__ == "__main__":
    main()
