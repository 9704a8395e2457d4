"""The commit rule, against a model: it never passes what is unfinished, and never goes back."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from streams.transport.ledger import Ledger


def test_the_arithmetic_that_loses_events_upstream():
    """Committed 2585, finished 2586 to 2589 while 2585 runs: faust issue 606 commits 2590."""
    ledger = Ledger(next=2585, fresh_from=2590, committed=2585)
    for offset in range(2585, 2590):
        assert ledger.deliver(offset)
        assert ledger.begin(offset)
    for offset in range(2586, 2590):
        ledger.finish(offset)
    assert (ledger.safe_commit, ledger.uncommitted) == (2585, None)
    ledger.finish(2585)
    assert (ledger.uncommitted, ledger.unclaimed) == (2590, 0)


def test_an_offset_of_zero_holds_the_commit_too():
    ledger = Ledger(next=0, fresh_from=0, committed=0)
    for offset in (0, 1):
        ledger.deliver(offset)
        ledger.begin(offset)
    ledger.finish(1)
    assert ledger.uncommitted is None


def test_what_was_thrown_out_of_a_buffer_is_delivered_again_and_counts_once():
    ledger = Ledger(next=5, fresh_from=9)
    assert [ledger.deliver(offset) for offset in (5, 6, 8)] == [True, True, True]
    assert ledger.begin(6)
    assert ledger.resume_from == 5
    assert [ledger.deliver(offset) for offset in (5, 6, 7, 8)] == [True, False, False, True]
    assert [ledger.begin(5), ledger.begin(5)] == [True, False]


class Ledgering(RuleBasedStateMachine):
    """Rewinds, gaps, second copies and ends in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(next=10, fresh_from=20, committed=10)
        self.position = 10
        self.delivered: set[int] = set()
        self.running: set[int] = set()
        self.finished: set[int] = set()
        self.highest_commit = 10

    @rule()
    def fetch(self) -> None:
        """The log has holes: every seventh offset was compacted away."""
        offset = self.position + (self.position % 7 == 0)
        self.position = offset + 1
        wanted = self.ledger.deliver(offset)
        assert wanted == (offset not in self.running | self.finished)
        if wanted:
            self.delivered.add(offset)

    @rule()
    def rebalance(self) -> None:
        self.position = self.ledger.resume_from

    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        offset = data.draw(st.sampled_from(sorted(self.delivered | self.running | self.finished | {0})))
        assert self.ledger.begin(offset) == (offset in self.delivered)
        if offset in self.delivered:
            self.delivered.discard(offset)
            self.running.add(offset)

    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        offset = data.draw(st.sampled_from(sorted(self.running | self.finished | {0})))
        self.ledger.finish(offset)
        if offset in self.running:
            self.running.discard(offset)
            self.finished.add(offset)

    @invariant()
    def the_commit_is_safe(self) -> None:
        unfinished = self.delivered | self.running
        assert self.ledger.safe_commit <= min(unfinished, default=self.ledger.safe_commit)
        assert self.ledger.safe_commit >= self.highest_commit
        self.highest_commit = self.ledger.safe_commit
        assert all(offset < self.ledger.next for offset in unfinished | self.finished)
        assert self.ledger.unclaimed == len(self.delivered)
        if not unfinished:
            assert self.ledger.safe_commit == self.ledger.next


Ledgering.TestCase.settings = settings(max_examples=150, stateful_step_count=60)
TestLedgering = Ledgering.TestCase
