"""A control is what it claims only where all of its evidence holds."""

from typing import Any

import pytest

from local.compliance.controls import Control, judge, read
from local.compliance.data_map import Place
from local.compliance.findings import Finding, State
from local.compliance.gaps import Gap
from local.compliance.report import document, exit_code, lines, summary
from sluice.cli.leaving import ExitCode
from sluice.cli.retention import Kept
from sluice.errors import ConfigurationError

MET, NOT_RUN = Finding(State.MET), Finding(State.NOT_RUN, "no network")
NOT_SHOWN, FAILED = Finding(State.NOT_SHOWN, "never ran"), Finding(State.FAILED, "it failed")


def control(claim: State = State.MET, *evidence: str, why: str = "") -> Control:
    return Control("c", "title", "group", claim, evidence, why)


@pytest.mark.parametrize("claim", [State.MET, State.PARTLY])
@pytest.mark.parametrize(
    ("findings", "state"),
    [
        ([MET, MET], None),
        ([MET, NOT_RUN], State.NOT_RUN),
        ([NOT_RUN, NOT_SHOWN], State.NOT_SHOWN),
        ([NOT_RUN, NOT_SHOWN, FAILED], State.FAILED),
        ([FAILED, MET], State.FAILED),
    ],
)
def test_the_worst_evidence_counts(claim: State, findings: list[Finding], state: State | None):
    named = {str(number): finding for number, finding in enumerate(findings)}
    judged = judge(control(claim, *named), named)
    assert judged.state == (state or claim)


def test_what_does_not_apply_needs_no_evidence():
    assert judge(control(State.NOT_APPLICABLE, why="there is none"), {}).state is State.NOT_APPLICABLE


GOOD = {"id": "a", "title": "t", "evidence": ["tests/x.py"]}


@pytest.mark.parametrize(
    ("entry", "claim", "why"),
    [
        (GOOD, State.MET, ""),
        (GOOD | {"state": "partly", "missing": "m"}, State.PARTLY, "m"),
        ({"id": "a", "title": "t", "state": "not applicable", "because": "b"}, State.NOT_APPLICABLE, "b"),
    ],
)
def test_a_control_is_read(entry: dict[str, Any], claim: State, why: str):
    assert [(one.group, one.claim, one.why) for one in read({"g": [entry]})] == [("g", claim, why)]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"title": "t", "evidence": ["e"], "note": "n"}, "a control of g has unknown fields: note"),
        ({"id": "a", "evidence": ["e"]}, "a has no title"),
        (GOOD | {"state": "failed"}, "a cannot claim to be `failed`"),
        (GOOD | {"state": "fine"}, "a cannot claim to be `fine`"),
        ({"id": "a", "title": "t"}, "a has no evidence"),
        (GOOD | {"state": "partly"}, "is partly met and says what is `missing`, or neither"),
        (GOOD | {"missing": "m"}, "is partly met and says what is `missing`, or neither"),
        (GOOD | {"because": "b"}, "does not apply and says `because`, or neither"),
        (GOOD | {"state": "not applicable"}, "does not apply and says `because`, or neither"),
    ],
)
def test_a_wrong_control_is_named(entry: dict[str, Any], said: str):
    with pytest.raises(ConfigurationError, match=said):
        read({"g": [entry]})


def test_a_name_is_there_once():
    with pytest.raises(ConfigurationError, match=r"controls.yaml: a is there twice"):
        read({"g": [GOOD], "h": [GOOD]})


GAP = Gap("topic", "t", "no owner")


@pytest.mark.parametrize(
    ("findings", "gaps", "required", "code"),
    [
        ([MET], [], True, ExitCode.DONE),
        ([NOT_RUN], [], False, ExitCode.DONE),
        ([NOT_RUN], [], True, ExitCode.MISSING),
        ([NOT_SHOWN], [], False, ExitCode.NO),
        ([NOT_RUN, FAILED], [], True, ExitCode.NO),
        ([MET], [GAP], False, ExitCode.NO),
    ],
)
def test_how_it_ends(findings: list[Finding], gaps: list[Gap], required: bool, code: ExitCode):
    judged = [judge(control(State.MET, "e"), {"e": finding}) for finding in findings]
    assert exit_code(judged, gaps, required) is code


def test_the_checklist_has_control_evidence_and_state():
    found = {"good": MET, "bad": FAILED}
    judged = [
        judge(control(State.PARTLY, "good", why="the rest"), found),
        judge(control(State.MET, "good", "bad"), found),
        judge(control(State.NOT_APPLICABLE, why="there is none"), found),
    ]
    place = Place("log", Kept("t", "events", "clean", "gateway", "1 days", "answers"))
    text = "\n".join(lines(judged, found, [GAP], [place]))
    for line in (
        "partly         c: title\n                 missing: the rest\n                 ✓ good\n",
        "failed         c: title\n                 ✓ good\n                 ✗ bad: it failed\n",
        "not applicable c: title\n                 because: there is none\n",
        "t (log): events\n                 clean; gateway; 1 days; answers\n",
        "\ntopic t: no owner\n",
    ):
        assert line in text
    assert text.endswith("\nCOMPLIANCE met=0 partly=1 not_applicable=1 not_run=0 not_shown=0 failed=1 gaps=1")
    said = document(judged, found, [GAP], [place])
    assert said["summary"] == summary(judged, [GAP])
    assert said["controls"][1]["evidence"] == [
        {"name": "good", "state": "met", "why": ""},
        {"name": "bad", "state": "failed", "why": "it failed"},
    ]
    assert said["gaps"] == [{"kind": "topic", "name": "t", "lacks": "no owner"}]
    assert said["data_map"][0] | {"where": "log", "store": "t"} == said["data_map"][0]
