"""Tests count where they passed on these very sources, all of them."""

from pathlib import Path

import pytest

from local.compliance.evidence import collect, files_named, gates, of_tests, resolve
from local.compliance.findings import Finding, State
from local.compliance.results import Result

NOW, BEFORE = "now", "before"
FILE, ONE, OTHER = "tests/a.py", "tests/a.py::test_one[1]", "tests/a.py::test_other"
PASSED, FAILED = Result("passed", NOW), Result("failed", NOW)


@pytest.mark.parametrize(
    ("name", "known", "state", "why"),
    [
        (FILE, {ONE: PASSED, OTHER: PASSED}, State.MET, ""),
        ("tests/a.py::test_one", {ONE: PASSED}, State.MET, ""),
        (ONE, {ONE: PASSED}, State.MET, ""),
        (FILE, {ONE: PASSED}, State.NOT_SHOWN, f"{OTHER} never ran; run `make test`"),
        (FILE, {ONE: Result("passed", BEFORE), OTHER: PASSED}, State.NOT_SHOWN, f"{ONE} last ran on other sources"),
        (FILE, {ONE: Result("skipped", NOW), OTHER: PASSED}, State.NOT_SHOWN, f"{ONE} was skipped"),
        (FILE, {ONE: FAILED}, State.FAILED, f"{ONE} failed"),
        (FILE, {ONE: Result("failed", BEFORE), OTHER: PASSED}, State.NOT_SHOWN, "other sources"),
        ("tests/a.py::test_o", {ONE: PASSED}, State.NOT_SHOWN, "there is no such test"),
        ("tests/b.py", {}, State.NOT_SHOWN, "there is no such test"),
    ],
)
def test_what_tests_show(name: str, known: dict[str, Result], state: State, why: str):
    found = of_tests(name, [ONE, OTHER], known, NOW)
    assert found.state is state
    assert why in found.why


def test_each_kind_of_evidence_is_asked_in_its_way():
    asked: list[str] = []

    def check() -> Finding:
        asked.append("x")
        return Finding(State.NOT_RUN, "no network")

    names = ["tests/a.py", "check:x", "gate:ruff", "gate:semgrep", "check:y", "word of honour", "check:x"]
    found = resolve(names, [ONE], {ONE: PASSED}, NOW, {"x": check}, frozenset({"ruff"}))
    assert {name: finding.state for name, finding in found.items()} == {
        "tests/a.py": State.MET,
        "check:x": State.NOT_RUN,
        "gate:ruff": State.MET,
        "gate:semgrep": State.FAILED,
        "check:y": State.NOT_SHOWN,
        "word of honour": State.NOT_SHOWN,
    }
    assert asked == ["x"]
    assert files_named(names) == ["tests/a.py"]


def test_gates_are_the_tools_of_make_check(tmp_path: Path):
    makefile = tmp_path / "Makefile"
    makefile.write_text(
        "check: develop  ## x\n\t$(BIN)/ruff check .\n\tls | xargs $(BIN)/my-hook\ntest:\n\t$(BIN)/pytest\n"
    )
    assert gates(makefile) == {"ruff", "my-hook"}
    makefile.write_text("test:\n\t$(BIN)/pytest\n")
    assert gates(makefile) == frozenset()


def test_tests_are_collected_as_pytest_finds_them(tmp_path: Path):
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "a.py").write_text("import pytest\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_one(n): ...\n")
    (tests / "broken.py").write_text("import nothing_of_the_kind\n")
    found = collect(tmp_path, ["tests/a.py", "tests/broken.py", "tests/gone.py"])
    assert found == ["tests/a.py::test_one[1]", "tests/a.py::test_one[2]"]
