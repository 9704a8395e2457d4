"""Who may run next: ordered within a key, fair across keys, bounded over all. No I/O."""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
J = TypeVar("J")


@dataclass(slots=True)
class Schedule(Generic[K, J]):
    """At most `running_limit` jobs run and one of each key; at most `waiting_limit` wait.

    `offer`, `take`, `done` and `drop` cost O(1).

    A key is known only while it has work. After each of its jobs it goes to the end of the line, so that a key with
    a thousand jobs delays nobody by more than one of them.
    """

    running_limit: int
    waiting_limit: int
    _queues: dict[K, deque[J]] = field(default_factory=dict)
    _ready: deque[K] = field(default_factory=deque)
    _running: set[K] = field(default_factory=set)
    waiting: int = 0

    @property
    def full(self) -> bool:
        """Nothing more may be offered: the log must wait."""
        return self.waiting >= self.waiting_limit

    @property
    def running(self) -> int:
        """Jobs that run."""
        return len(self._running)

    def offer(self, key: K, job: J) -> None:
        """Put a job behind the others of its key. Raises OverflowError when full."""
        if self.full:
            raise OverflowError(f"{self.waiting} jobs wait")
        self.waiting += 1
        queue = self._queues.get(key)
        if queue is None:
            self._queues[key] = deque((job,))
            if key not in self._running:
                self._ready.append(key)
        else:
            queue.append(job)

    def take(self) -> tuple[K, J] | None:
        """The next job to start; None where none may."""
        if len(self._running) >= self.running_limit:
            return None
        while self._ready:
            key = self._ready.popleft()
            queue = self._queues.get(key)
            if queue is None or key in self._running:
                continue
            job = queue.popleft()
            if not queue:
                del self._queues[key]
            self._running.add(key)
            self.waiting -= 1
            return key, job
        return None

    def done(self, key: K) -> None:
        """The running job of the key has ended, however it did."""
        self._running.discard(key)
        if key in self._queues:
            self._ready.append(key)

    def drop(self, key: K) -> int:
        """Forget what waits of a key. Gives how many that were."""
        queue = self._queues.pop(key, ())
        self.waiting -= len(queue)
        return len(queue)

    def known(self) -> set[K]:
        """All with work."""
        return {*self._running, *self._queues}
