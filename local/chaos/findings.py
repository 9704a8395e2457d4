"""What the checker says."""

from dataclasses import dataclass, field

TITLES = {
    "I1": "accepted implies in the log",
    "I2": "exactly one visible terminal, and one finished record that agrees",
    "I3": "every client saw the end of its turns",
    "I4": "sequences without gaps, final text equal to the deltas",
    "I5": "ledger rows equal the provider's meter",
    "I6": "one call an attempt, and attempts bounded by 1 + faults that touched the turn",
    "I7": "landing zone equals the topics",
    "I8": "nothing crosses sessions",
    "I9": "committed offset never beyond the lowest unfinished one",
    "I10": "lag returns to zero",
    "I11": "facts equal the topics, to the event and the cent",
}


@dataclass(slots=True)
class Finding:
    """One invariant. `violations` maps what was hit (a turn, an attempt, a partition) to why, the first reason only."""

    invariant: str
    checked: int = 0
    violations: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def blame(self, what: str, why: str) -> None:
        """Each thing counts once."""
        self.violations.setdefault(what, why)
