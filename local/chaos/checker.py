"""Evidence in, verdict out. Written against the promises: it imports no code of the platform that they are about."""

from dataclasses import dataclass

from local.chaos.accounts import calls_are_bounded, facts_equal_topics, landing_equals_topics, ledger_equals_meter
from local.chaos.evidence import Evidence
from local.chaos.findings import Finding
from local.chaos.index import Index
from local.chaos.progress import commits_follow_work, lag_is_zero, recoveries
from local.chaos.promises import accepted_is_logged, clients_saw_it, no_gaps, nothing_crosses, one_terminal
from local.chaos.sufficiency import shortcomings


@dataclass(frozen=True, slots=True)
class Verdict:
    """Findings in the order of their numbers; sorted recovery times; what the evidence lacks."""

    turns: int
    faults: int
    lost: int
    doubled: int
    findings: tuple[Finding, ...]
    recovery_seconds: tuple[float, ...]
    shortcomings: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """No violation of anything, and evidence enough to say so."""
        return not self.shortcomings and not any(finding.violations for finding in self.findings)

    def count(self, invariant: str) -> int:
        """Violations of one invariant."""
        return sum(len(f.violations) for f in self.findings if f.invariant == invariant)


def check(evidence: Evidence) -> Verdict:
    """All invariants."""
    index = Index(evidence)
    logged = accepted_is_logged(index)
    terminals, lost, doubled = one_terminal(index)
    findings = (
        logged,
        terminals,
        clients_saw_it(index),
        no_gaps(index),
        ledger_equals_meter(index),
        calls_are_bounded(index),
        landing_equals_topics(index),
        nothing_crosses(index),
        commits_follow_work(index),
        lag_is_zero(index),
        facts_equal_topics(index),
    )
    return Verdict(
        turns=len(index.accepted),
        faults=sum(fault.done for fault in evidence.faults),
        lost=lost + len(set(logged.violations) - set(terminals.violations)),
        doubled=doubled,
        findings=findings,
        recovery_seconds=tuple(recoveries(evidence)),
        shortcomings=tuple(shortcomings(index, findings)),
    )
