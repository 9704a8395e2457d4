"""`python -m local.compliance`, with checks and tests of its own."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from local.compliance import __main__ as command
from local.compliance import checks, evidence, results
from local.compliance.controls import Control
from local.compliance.findings import Finding, State
from local.compliance.gaps import Gap
from sluice.errors import ConfigurationError

TEST = "tests/a.py::test_one"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """With one control that rests on a test and a check."""
    shown = [Control("c", "title", "group", State.MET, (TEST, "check:x"), "")]
    monkeypatch.setattr(command, "controls", lambda: shown)
    monkeypatch.setattr(command, "checks", lambda _root: {"x": lambda: Finding(State.NOT_RUN, "no network")})
    monkeypatch.setattr(evidence, "collect", lambda _root, _files: [TEST])
    monkeypatch.setattr(results, "evidence_folder", lambda: tmp_path)
    monkeypatch.setattr(command.sources, "fingerprint", lambda _root: "now")
    app = typer.Typer()
    app.command()(command.compliance)
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def test_a_test_that_never_ran_is_a_no(runs):
    done = runs()
    assert (done.exit_code, "never ran" in done.stdout) == (1, True)
    assert done.stdout.endswith("not_run=0 not_shown=1 failed=0 gaps=0\n")


def test_an_audit_that_was_not_run_is_said_and_may_be_required(runs, tmp_path: Path):
    results.add(tmp_path / "tests.json", {TEST: "passed"}, "now")
    done = runs("--json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["controls"][0]["state"]) == (0, "not run")
    assert {"chat-requests", "landing", "model-providers", "*-dlq"} <= {one["store"] for one in said["data_map"]}
    assert json.loads((tmp_path / "compliance.json").read_text()) == said
    assert runs("--require-audit").exit_code == 3


def test_what_is_not_classified_is_a_no_with_its_name(runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    results.add(tmp_path / "tests.json", {TEST: "passed"}, "now")
    monkeypatch.setattr(command, "unclassified", lambda: [Gap("column", "m.c", "no owner")])
    done = runs()
    assert (done.exit_code, "\ncolumn m.c: no owner\n" in done.stdout) == (1, True)


def test_where_it_cannot_work_it_says_so(runs, monkeypatch: pytest.MonkeyPatch):
    def nowhere(_root: Path) -> str:
        raise ConfigurationError("git does not list the files")

    monkeypatch.setattr(command.sources, "fingerprint", nowhere)
    done = runs()
    assert (done.exit_code, "git does not list" in done.stderr) == (3, True)


def test_licences_wait_for_bills_that_are_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    made: list[Finding] = []

    def make(_root: Path, _folder: Path) -> Finding:
        made.append(Finding(State.NOT_SHOWN, "no Node"))
        return made[-1]

    monkeypatch.setattr(checks.bills, "make", make)
    known = checks.checks(tmp_path)
    assert known["licences"]() == known["bill-of-materials"]() == Finding(State.NOT_SHOWN, "no Node")
    assert len(made) == 1
    monkeypatch.setattr(checks.bills, "make", lambda _root, _folder: Finding(State.MET))
    monkeypatch.setattr(checks.bills, "with_licences", lambda _folder: {"b": {"components": [{"name": "x"}]}})
    assert checks.checks(tmp_path)["licences"]() == Finding(State.FAILED, "x says no licence")


def test_the_check_of_classification_names_what_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert checks.checks(tmp_path)["classification"]() == Finding(State.MET)
    monkeypatch.setattr(
        checks, "unclassified", lambda: [Gap("topic", "t", "no owner"), Gap("field", "E.f", "no classification")]
    )
    assert checks.checks(tmp_path)["classification"]() == Finding(
        State.FAILED, "topic t: no owner; field E.f: no classification"
    )
