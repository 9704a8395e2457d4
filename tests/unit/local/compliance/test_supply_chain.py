"""Pins, bills, licences and audits: what is wrong is named, and what was not looked at is never called good."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from local.compliance import audits, bills, pins, prompts
from local.compliance.audits import first_pin, of_npm_audit, of_pip_audit
from local.compliance.findings import Finding, State
from local.compliance.licences import check as check_licences
from local.compliance.pins import complaints_about_lock, complaints_about_pins
from local.compliance.tools import Ran, run
from sluice.errors import ConfigurationError

HASH = "    --hash=sha256:" + 64 * "0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"a==1 \\\n{HASH}\n    # via b\nb[c]==2 ; python_version < '3.12' \\\n{HASH}\n", []),
        ("", []),
        ("# a comment\n", []),
        ("a==1\n    # via b\n", ["a==1 has no hash"]),
        (f"a>=1 \\\n{HASH}\n", ["a>=1 is not pinned"]),
        (f"-e git+ssh://host/a\n{HASH}", ["names an address", "-e is not pinned"]),
        (f"--index-url host\na==1 \\\n{HASH}\n", ["names an address", "--index-url is not pinned"]),
    ],
)
def test_pins_have_hashes_and_no_address(text: str, said: list[str]):
    assert list(complaints_about_pins(text)) == said


def test_npm_packages_have_hashes_and_no_address():
    packages = {"": {}, "node_modules/a": {"integrity": "sha512-x"}, "node_modules/b": {"resolved": "host"}}
    assert list(complaints_about_lock({"packages": packages})) == [
        "node_modules/b has no hash",
        "node_modules/b names an address",
    ]


def test_all_files_with_pins_are_looked_at(tmp_path: Path):
    (tmp_path / "constraints").mkdir()
    for lock in ("gateway/web", "tests/oidc"):
        (tmp_path / lock).mkdir(parents=True)
        (tmp_path / lock / "package-lock.json").write_text('{"packages": {}}')
    (tmp_path / "constraints" / "a.txt").write_text(f"a==1 \\\n{HASH}\n")
    assert pins.check(tmp_path) == Finding(State.MET)
    (tmp_path / "constraints" / "b.txt").write_text("b==1\n")
    (tmp_path / "tests" / "oidc" / "package-lock.json").write_text('{"packages": {"c": {}}}')
    assert pins.check(tmp_path) == Finding(
        State.FAILED, "b.txt: b==1 has no hash; tests/oidc/package-lock.json: c has no hash"
    )


LISTED = {"allowed": ["MIT", "Apache-2.0", "The words"], "packages": {"special": "looked at by hand"}}


@pytest.mark.parametrize(
    ("component", "why"),
    [
        ({"name": "a", "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "The words"}}]}, ""),
        ({"name": "a", "licenses": [{"expression": "MIT AND (MIT OR Apache-2.0)"}]}, ""),
        ({"name": "special"}, ""),
        ({"name": "a"}, "a says no licence"),
        ({"name": "a", "licenses": [{"expression": "MIT OR GPL-3.0-only"}]}, "a is under GPL-3.0-only"),
        ({"name": "a", "licenses": [{"license": {"id": "MIT"}}, {"license": {"id": "X"}}]}, "a is under X"),
    ],
)
def test_licences_are_those_of_the_list(component: dict[str, Any], why: str):
    found = check_licences({"one": {"components": [component]}, "same": {"components": [component]}}, LISTED)
    assert found == (Finding(State.FAILED, why) if why else Finding(State.MET))


VULNERABLE = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1"}, {"id": "PYSEC-2"}]}
CLEAN, SKIPPED = {"name": "b", "version": "1", "vulns": []}, {"name": "c", "skip_reason": "not known: c"}


def said(*dependencies: object) -> Ran:
    return Ran(0, json.dumps({"dependencies": dependencies}), "")


@pytest.mark.parametrize(
    ("ran", "finding"),
    [
        (said(CLEAN), Finding(State.MET)),
        (said(CLEAN, SKIPPED), Finding(State.NOT_RUN, "1 of 2 packages were not looked at: not known: c")),
        (said(CLEAN, SKIPPED, VULNERABLE), Finding(State.FAILED, "a 1 (PYSEC-1, PYSEC-2)")),
        (said(*[VULNERABLE] * 12), Finding(State.FAILED, ", ".join(["a 1 (PYSEC-1, PYSEC-2)"] * 10) + " and 2 more")),
        (said(), Finding(State.NOT_RUN, "no package was looked at")),
        (Ran(1, "", "Traceback\n  no route to host\n"), Finding(State.NOT_RUN, "no route to host")),
        (Ran(0, "[]", ""), Finding(State.NOT_RUN, "[]")),
        (Ran(0, "{}", ""), Finding(State.NOT_RUN, "{}")),
        (Ran(1, "", ""), Finding(State.NOT_RUN, "it said nothing")),
    ],
)
def test_what_pip_audit_means(ran: Ran, finding: Finding):
    assert of_pip_audit(ran) == finding


ADVISORY = {"name": "a", "url": "https://host/advisories/GHSA-1"}


@pytest.mark.parametrize(
    ("document", "accepted", "finding"),
    [
        ({"vulnerabilities": {}}, set(), Finding(State.MET)),
        (
            {"vulnerabilities": {"a": {"via": [ADVISORY]}, "b": {"via": ["a"]}}},
            set(),
            Finding(State.FAILED, "a (GHSA-1)"),
        ),
        ({"vulnerabilities": {"a": {"via": [ADVISORY]}}}, {"GHSA-1"}, Finding(State.MET)),
        ({"message": "405 Not Allowed"}, set(), Finding(State.NOT_RUN, "405 Not Allowed")),
    ],
)
def test_what_npm_audit_means(document: dict[str, Any], accepted: set[str], finding: Finding):
    assert of_npm_audit(Ran(1, json.dumps(document), "npm error"), accepted) == finding


def test_an_npm_that_is_silent_or_not_there_is_no_audit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert of_npm_audit(Ran(1, "", "npm error offline"), set()) == Finding(State.NOT_RUN, "npm error offline")

    def absent() -> list[str]:
        raise ConfigurationError("no Node")

    monkeypatch.setattr(audits, "find_npm", absent)
    assert audits.npm(tmp_path, []) == Finding(State.NOT_RUN, "no Node")


def test_npm_is_asked_for_each_lock_file_and_the_first_trouble_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    answers = iter(['{"vulnerabilities": {}}', '{"message": "offline"}'])
    monkeypatch.setattr(audits, "find_npm", lambda: ["npm"])
    monkeypatch.setattr(audits, "run", lambda _command, _folder: Ran(1, next(answers), ""))
    assert audits.npm(tmp_path, []) == Finding(State.NOT_RUN, "offline")


def test_a_service_that_does_not_know_one_package_is_not_asked_for_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "constraints").mkdir()
    (tmp_path / "constraints" / "develop.txt").write_text(f"b==1 \\\n{HASH}\n")
    asked: list[list[str]] = []
    answers = [said(SKIPPED)]

    def answer(command: list[str], _folder: Path) -> Ran:
        asked.append(command)
        return answers.pop(0)

    monkeypatch.setattr(audits, "run", answer)
    assert audits.python(tmp_path, []).state is State.NOT_RUN
    assert len(asked) == 1
    answers[:] = [said(CLEAN), said(CLEAN, VULNERABLE)]
    assert audits.python(tmp_path, ["PYSEC-9"]).state is State.FAILED
    assert "constraints/dbt.txt" in asked[2]
    assert asked[2][-2:] == ["--ignore-vuln", "PYSEC-9"]


def test_the_first_pin_is_asked_for():
    assert first_pin(f"# x\na-b==1.2 ; marker \\\n{HASH}\nc==2") == "a-b==1.2"
    with pytest.raises(ConfigurationError, match="make constraints"):
        first_pin("")


BILL = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [{"type": "library", "name": "a"}]}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (json.dumps(BILL), None),
        (json.dumps(BILL | {"components": [{"name": "a"}]}), "'type' is a required property"),
        (json.dumps(BILL | {"specVersion": "9"}), "no JSON with a known"),
        ("{}", "no JSON with a known"),
        ("[]", "no JSON with a known"),
        ("", "no JSON with a known"),
    ],
)
def test_a_bill_is_what_its_schema_says(text: str, wrong: str | None):
    found = bills.invalid(text)
    assert found is None if wrong is None else wrong in (found or "")


@pytest.mark.parametrize(
    ("ran", "state", "why"),
    [
        (Ran(0, json.dumps(BILL), ""), State.MET, ""),
        (Ran(0, json.dumps(BILL | {"components": []}), ""), State.FAILED, "no component is on any bill"),
        (Ran(1, "", "no such file"), State.NOT_SHOWN, "the bill of installed was not made: no such file"),
        (Ran(0, "{}", ""), State.FAILED, "the bill of installed is no CycloneDX"),
    ],
)
def test_bills_are_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ran: Ran, state: State, why: str):
    monkeypatch.setattr(bills, "run", lambda _command, _folder: ran)
    monkeypatch.setattr(bills, "find_npm", lambda: ["npm"])
    found = bills.make(tmp_path, tmp_path / "sbom")
    assert found.state is state
    assert why in found.why
    if state is State.MET:
        assert set(bills.with_licences(tmp_path / "sbom")) == {*bills.INSTALLED, *bills.NPM}
        assert len(list((tmp_path / "sbom").iterdir())) == 7


def test_without_npm_there_is_no_bill_of_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def absent() -> list[str]:
        raise ConfigurationError("no Node")

    monkeypatch.setattr(bills, "run", lambda _command, _folder: Ran(0, json.dumps(BILL), ""))
    monkeypatch.setattr(bills, "find_npm", absent)
    assert bills.make(tmp_path, tmp_path) == Finding(State.NOT_SHOWN, "the bill of page was not made: no Node")


def test_tools_never_raise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    done = run([sys.executable, "-c", "print('out'); import sys; sys.exit('wrong')"], tmp_path)
    assert (done.status, done.said, done.last_words) == (1, "out\n", "wrong")
    assert run([str(tmp_path / "absent")], tmp_path).last_words.endswith("absent: No such file or directory")
    monkeypatch.setattr("local.compliance.tools._SECONDS", 0.01)
    assert run([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path).status is None


def test_a_template_speaks_of_its_bot_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    folder = tmp_path / "prompts" / "p"
    folder.mkdir(parents=True)
    (folder / "1.j2").write_text("{{ bot }}: {{ description }}")
    monkeypatch.setattr(prompts, "data_folder", lambda _name: tmp_path)
    assert prompts.check() == Finding(State.MET)
    (folder / "2.j2").write_text("{% for one in history %}{{ one }}{% endfor %}")
    assert prompts.check() == Finding(State.FAILED, "p/2.j2 speaks of history")
