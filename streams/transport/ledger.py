"""Which offsets of a partition are finished, and up to where it is therefore safe to commit. No I/O."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """One partition, from assignment to revocation. A new assignment gets a new ledger, so old claims count no more.

    An offset is delivered (it may sit in a stream's buffer), then begun (somebody works on it), then finished, in any
    order across offsets. The commit never passes the lowest one that is not finished. Faust throws its buffers away
    at every rebalance, so what was delivered and not begun may be delivered again.
    """

    next: int
    """The lowest offset that was never delivered."""
    fresh_from: int
    """End of the partition at assignment: what is below may have been handled by an earlier owner."""
    committed: int = -1
    closed: bool = False
    """The partition has another owner."""
    _waiting: dict[int, None] = field(default_factory=dict)
    _running: dict[int, None] = field(default_factory=dict)

    def deliver(self, offset: int) -> bool:
        """Whether to hand this offset over."""
        if offset >= self.next:
            self.next = offset + 1
            self._waiting[offset] = None
            return True
        return offset in self._waiting

    def begin(self, offset: int) -> bool:
        """False for a second copy of what was begun already."""
        if offset not in self._waiting:
            return False
        del self._waiting[offset]
        self._running[offset] = None
        return True

    def finish(self, offset: int) -> None:
        """Its effects are on the log."""
        self._running.pop(offset, None)

    @property
    def unclaimed(self) -> int:
        """How many are delivered and not begun."""
        return len(self._waiting)

    @property
    def safe_commit(self) -> int:
        """The lowest unfinished offset; where there is none, the next to come."""
        first = next(iter(self._waiting), self.next)
        return min(first, *self._running) if self._running else first

    @property
    def resume_from(self) -> int:
        """Where to read on after a rebalance that left the partition here."""
        return next(iter(self._waiting), self.next)

    @property
    def uncommitted(self) -> int | None:
        """What to commit now; None where nothing has moved."""
        offset = self.safe_commit
        return offset if offset > self.committed else None


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to handle one record, for as long as its partition stays with this worker."""

    partition: tuple[str, int]
    offset: int
    repeated: bool
    """Whether an earlier owner may have handled it."""
    _ledger: Ledger

    @property
    def alive(self) -> bool:
        """Whether the partition is still ours."""
        return not self._ledger.closed

    def finish(self) -> None:
        """Its effects are on the log: the commit may pass it. Without effect after the partition has gone."""
        self._ledger.finish(self.offset)
