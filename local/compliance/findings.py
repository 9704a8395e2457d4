"""What a piece of evidence says, and what a control comes to."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Of a control. Evidence is never `partly` met nor `not applicable`."""

    MET = "met"
    PARTLY = "partly"
    NOT_APPLICABLE = "not applicable"
    NOT_RUN = "not run"
    NOT_SHOWN = "not shown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one piece of evidence: met, or why not."""

    state: State
    why: str = ""


def of_complaints(complaints: list[str]) -> Finding:
    """Met where there is none."""
    return Finding(State.FAILED, "; ".join(complaints)) if complaints else Finding(State.MET)
