"""Finder processes of one worker. A text either comes back with its spans, or the search has failed and says why.

A process that dies is replaced; one that takes too long is killed, and replaced. No text is ever given to a second
process: what killed one would kill the next.
"""

import itertools
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from agents.personal.policy import Policy
from agents.personal.spans import Span
from sluice.logs import Fact, Logger, fact
from streams.finding.wire import Hello, HungUp, Ready, Search, Searched, receive, send

FindingFailure = Literal["no_process", "timed_out", "died", "wrong_answer", "crashed", "policy_unknown"]

COMMAND = (sys.executable, "-m", "streams.finding.process")
_START_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
_SETTLED_SECONDS = 10.0
_CHARACTERS_A_SHARE = 65_536


class FindingFailed(Exception):
    """A text could not be searched. Names a kind, never a word of it."""

    def __init__(self, failure: FindingFailure) -> None:
        super().__init__(failure)
        self.failure = failure


class _Finder:
    """One process and the line to it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(command, stdin=theirs.fileno())

    def greet(self, policies: Mapping[str, str]) -> str | None:
        """Returns when it can search; with a reason where it cannot. Raises HungUp, TimeoutError."""
        self._line.settimeout(_START_SECONDS)
        send(self._line, Hello(dict(policies)))
        return receive(self._line, Ready, time.monotonic() + _START_SECONDS).reason

    def search(self, search: Search, seconds: float) -> Searched:
        """Raises HungUp, TimeoutError."""
        self._line.settimeout(seconds)
        deadline = time.monotonic() + seconds
        send(self._line, search)
        return receive(self._line, Searched, deadline)

    def kill(self) -> None:
        """Whatever it does."""
        self._line.close()
        self.process.kill()


class FinderPool:
    """Threads may search side by side; each has a process to itself."""

    def __init__(
        self,
        policies: Mapping[str, Policy],
        size: int,
        seconds: float,
        log: Logger,
        failed: Callable[[FindingFailure], None] = lambda _failure: None,
        command: Sequence[str] = COMMAND,
        wait_seconds: float = 20.0,
    ) -> None:
        """`seconds` is for each 64 k characters begun; a text waits for a free process for `wait_seconds` at most."""
        self._policies = {name: policy.model_dump_json() for name, policy in policies.items()}
        self._size, self._seconds, self._log, self._failed, self._command = size, seconds, log, failed, command
        self._wait_seconds = wait_seconds
        self._idle: queue.SimpleQueue[_Finder] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._closed = threading.Event()
        self._unfit: Fact | None = None
        """Why processes do not even begin, where a person must do something about it."""
        self._running: set[_Finder] = set()
        self._threads = [
            threading.Thread(target=self._keep_one, name=f"finder-{number}", daemon=True) for number in range(size)
        ]

    def start(self) -> None:
        """Returns at once: texts wait for the first process."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Ends all processes."""
        self._closed.set()
        for finder in list(self._running):
            finder.kill()
        for thread in self._threads:
            thread.join()

    def find(self, text: str, policy: Policy) -> list[Span]:
        """Blocks until a process has searched it. Raises FindingFailed."""
        try:
            return self._find(text, policy)
        except FindingFailed as error:
            self._failed(error.failure)
            self._log.error("text not searched for personal data", failure=fact(error.failure), reason=self._unfit)
            raise

    def _find(self, text: str, policy: Policy) -> list[Span]:
        if self._policies.get(policy.name) != policy.model_dump_json():
            raise FindingFailed("policy_unknown")
        finder, search = self._take(), Search(next(self._numbers), policy.name, text)
        try:
            searched = finder.search(search, self._seconds * (1 + len(text) // _CHARACTERS_A_SHARE))
            if searched.number != search.number or not _fits(searched.spans or [], text, policy):
                raise FindingFailed("wrong_answer")
        except BaseException as error:
            finder.kill()
            raise _failure(error) from None
        self._idle.put(finder)
        if searched.spans is None:
            raise FindingFailed("crashed")
        return searched.spans

    def _take(self) -> _Finder:
        deadline = time.monotonic() + self._wait_seconds
        while True:
            try:
                finder = self._idle.get(timeout=0 if self._unfit else max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise FindingFailed("no_process") from None
            if finder.process.poll() is None:
                return finder

    def _keep_one(self) -> None:
        """Start a process, wait for its end, start the next."""
        pause = _FIRST_PAUSE_SECONDS
        while not self._closed.is_set():
            begun = time.monotonic()
            self._run_one()
            if time.monotonic() - begun > _SETTLED_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            self._closed.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _run_one(self) -> None:
        finder = _Finder(self._command)
        self._running.add(finder)
        try:
            self._unfit = _why(finder.greet(self._policies))
            if self._unfit is None:
                self._idle.put(finder)
            reason = self._unfit
        except (HungUp, TimeoutError) as error:
            reason = fact(type(error).__name__)
        if reason is None and not self._closed.is_set():
            finder.process.wait()
        finder.kill()
        code = finder.process.wait()
        self._running.discard(finder)
        if not self._closed.is_set():
            self._log.error("a finder process ended", exit_code=code, reason=reason)


def _why(reason: str | None) -> Fact | None:
    """What a finder says of its own set-up."""
    return None if reason is None else fact(reason)


def _failure(error: BaseException) -> FindingFailed:
    match error:
        case FindingFailed():
            return error
        case TimeoutError():
            return FindingFailed("timed_out")
        case HungUp():
            return FindingFailed("died")
        case _:
            return FindingFailed("crashed")


def _fits(spans: Sequence[Span], text: str, policy: Policy) -> bool:
    """In order, apart, inside the text, and of types that were asked for."""
    position = 0
    for span in spans:
        if not position <= span.start < span.end <= len(text) or span.type not in policy.types:
            return False
        position = span.end
    return True
