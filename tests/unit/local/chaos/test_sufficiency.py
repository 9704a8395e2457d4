"""Evidence that shows too little is not clean, and the verdict says what is missing."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from local.chaos.checker import check
from local.chaos.evidence import Evidence, Injected
from local.chaos.report import show
from tests.unit.local.chaos.healthy import evidence


def more_turns_wanted(found: Evidence) -> None:
    found.turns = 3


def one_never_accepted(found: Evidence) -> None:
    found.asked.append(dataclasses.replace(found.asked[0], client_msg_id="m-9"))


def kind_never_tried(found: Evidence) -> None:
    found.planned = ["kill", "storm"]


def kind_never_hit(found: Evidence) -> None:
    found.faults.append(Injected("delay", "broker-1", 1_600, 1_700, done=False, victim="broker-1"))


def fault_failed(found: Evidence) -> None:
    found.faults.append(Injected("kill", "respond-2", 1, 2, done=False, error="no such process"))


def topics_unread(found: Evidence) -> None:
    found.problems.append("the topics could not be read")


def no_commits(found: Evidence) -> None:
    found.committed = []


LACKING: list[tuple[Callable[[Evidence], None], str]] = [
    (more_turns_wanted, "2 of 3 messages were said"),
    (one_never_accepted, "1 of 3 messages were never accepted, first client-1 m-9"),
    (kind_never_tried, "no fault of the kind storm hit (0 tried): run again with more --turns"),
    (kind_never_hit, "no fault of the kind delay hit (1 tried)"),
    (fault_failed, "the fault kill of respond-2 failed: no such process"),
    (topics_unread, "the topics could not be read"),
    (no_commits, "I9 had nothing to check"),
]


@pytest.mark.parametrize(("doctor", "text"), LACKING, ids=[doctor.__name__ for doctor, _ in LACKING])
def test_evidence_that_lacks_something_is_not_clean(doctor: Callable[[Evidence], None], text: str):
    found = evidence()
    doctor(found)
    verdict = check(found)
    (said,) = verdict.shortcomings
    assert text in said
    assert not verdict.clean
    assert not any(finding.violations for finding in verdict.findings)


def test_no_evidence_is_not_clean():
    verdict = check(Evidence())
    assert verdict.shortcomings == ("nobody said anything: ask for at least one turn (--turns)",)
    assert not verdict.clean


def test_a_calm_run_needs_no_fault():
    found = evidence()
    found.faults = []
    assert check(found).shortcomings == ()


def test_the_report_names_what_is_missing(tmp_path: Path):
    found = evidence()
    kind_never_tried(found)
    console = Console(record=True, width=100)
    show(check(found), found, tmp_path, console)
    assert "Not enough evidence: no fault of the kind storm hit" in console.export_text()
