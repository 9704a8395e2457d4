"""The verdict for people, and its last line for scripts."""

import json
import math
import signal
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.chaos.checker import Verdict
from local.chaos.evidence import Evidence
from local.chaos.faults import KINDS
from local.chaos.findings import TITLES

_EXAMPLES = 3
_ASKED_FOR = (0, -signal.SIGKILL, -signal.SIGTERM)


def last_line(verdict: Verdict) -> str:
    """The interface for scripts."""
    return (
        f"CHAOS turns={verdict.turns} faults={verdict.faults} lost={verdict.lost} doubled={verdict.doubled} "
        f"gaps={verdict.count('I4')} undelivered={verdict.count('I3')} mixed={verdict.count('I8')} "
        f"ledger_drift={verdict.count('I5')} landing_drift={verdict.count('I7')} stuck={verdict.count('I10')} "
        f"recovery_p95_s={percentile(verdict.recovery_seconds, 95):.1f}"
    )


def percentile(ordered: tuple[float, ...], percent: float) -> float:
    """Nearest rank; 0 where nothing was measured."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


def show(verdict: Verdict, evidence: Evidence, folder: Path, console: Console) -> None:
    """Tables of invariants, faults and recovery."""
    table = Table("", "invariant", "checked", "violations", title="What was promised")
    for finding in verdict.findings:
        count = len(finding.violations)
        colour = "red" if count else "green"
        notes = f"\n[dim]{'; '.join(finding.notes)}[/dim]" if finding.notes else ""
        name = finding.invariant
        table.add_row(name, TITLES[name] + notes, str(finding.checked), f"[{colour}]{count}[/{colour}]")
    console.print(table)
    for finding in verdict.findings:
        for what, why in list(finding.violations.items())[:_EXAMPLES]:
            console.print(f"  {finding.invariant} {what}: {why}", markup=False, highlight=False, soft_wrap=True)
    done = Counter(fault.kind for fault in evidence.faults if fault.done)
    tried = Counter(fault.kind for fault in evidence.faults)
    faults = Table("fault", "hit", "tried", "of these", title="What was broken")
    for kind in KINDS:
        names = Counter(f.victim if f.kind != "failpoint" else f.target for f in evidence.faults if f.kind == kind)
        hit = {f.victim if f.kind != "failpoint" else f.target for f in evidence.faults if f.kind == kind and f.done}
        shown = ", ".join(f"{n}{'' if n in hit else ' (missed)'}" for n in sorted(names))
        faults.add_row(kind, str(done[kind]), str(tried[kind]), shown)
    console.print(faults)
    ended = [one for one in evidence.ended if one.status not in _ASKED_FOR]
    strange = Counter(f"{one.name} ({one.status})" for one in ended)
    if strange:
        shown = ", ".join(f"{name} x {count}" for name, count in sorted(strange.items()))
        console.print(f"Ended by themselves: {shown}", highlight=False, soft_wrap=True)
    times = verdict.recovery_seconds
    if times:
        p50, p95 = percentile(times, 50), percentile(times, 95)
        console.print(
            f"Recovery of {len(times)} killed workers: p50 {p50:.1f} s, p95 {p95:.1f} s, max {times[-1]:.1f} s"
        )
    for missing in verdict.shortcomings:
        console.print(f"Not enough evidence: {missing}.", style="red", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Evidence: {folder}", soft_wrap=True, highlight=False)


def write_verdict(verdict: Verdict, folder: Path) -> None:
    """All violations, not only the first few."""
    document = {
        "line": last_line(verdict),
        "recovery_seconds": verdict.recovery_seconds,
        "shortcomings": verdict.shortcomings,
        "findings": [
            {"invariant": f.invariant, "checked": f.checked, "notes": f.notes, "violations": f.violations}
            for f in verdict.findings
        ],
    }
    (folder / "verdict.json").write_text(json.dumps(document, indent=1, ensure_ascii=False))
