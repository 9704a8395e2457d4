"""Whether the evidence can carry a verdict: a promise that nothing tried is not kept, only unbroken."""

from collections import Counter
from collections.abc import Iterator, Sequence

from local.chaos.findings import Finding
from local.chaos.index import Index

_AGAIN = "run again with more --turns or another --seed"
_LOGS = "see `logs` beside the evidence"


def shortcomings(index: Index, findings: Sequence[Finding]) -> list[str]:
    """What is missing and what to do about it. Only planned kinds of faults count."""
    evidence = index.evidence
    found = [f"{problem}; {_LOGS}" for problem in evidence.problems]
    if not evidence.asked:
        return [*found, "nobody said anything: ask for at least one turn (--turns)"]
    wanted = max(evidence.turns, len(evidence.asked))
    if len(evidence.asked) < wanted:
        found.append(f"{len(evidence.asked)} of {wanted} messages were said: let it run to its end")
    accepted = {(s.client, s.frame["client_msg_id"]) for frames in index.accepted.values() for s in frames}
    refused = [key for key in index.asked_by_message if key not in accepted]
    if refused:
        found.append(f"{len(refused)} of {wanted} messages were never accepted, first {' '.join(refused[0])}; {_LOGS}")
    found += _unhit(index)
    found += [f"{one.invariant} had nothing to check: {_AGAIN}" for one in findings if not one.checked]
    return found


def _unhit(index: Index) -> Iterator[str]:
    faults = index.evidence.faults
    for fault in faults:
        if fault.error:
            yield f"the fault {fault.kind} of {fault.target} failed: {fault.error}; {_LOGS}"
    tried = Counter(fault.kind for fault in faults)
    hit = {fault.kind for fault in faults if fault.done}
    for kind in sorted({*index.evidence.planned, *tried} - hit):
        yield f"no fault of the kind {kind} hit ({tried[kind]} tried): {_AGAIN}"
