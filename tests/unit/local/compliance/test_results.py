"""Results of tests are kept with the sources that they belong to."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import sources
from local.compliance import results
from local.compliance.results import Result
from sluice.errors import ConfigurationError

NOW, BEFORE = "now", "before"
PASSED = Result("passed", NOW)


def test_a_test_is_as_good_as_its_worst_phase():
    assert results.worst(None, "passed") == "passed"
    assert results.worst("passed", "failed") == "failed"
    assert results.worst("skipped", "passed") == "skipped"


def test_runs_that_end_at_once_all_leave_their_results(tmp_path: Path):
    file = tmp_path / "evidence" / "tests.json"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: results.add(file, {f"t{n}": "passed"}, NOW), range(30)))
    results.add(file, {"t1": "failed"}, BEFORE)
    known = results.read(file)
    assert len(known) == 30
    assert (known["t0"], known["t1"]) == (PASSED, Result("failed", BEFORE))


@pytest.mark.parametrize("text", [None, "", "[1]", '{"t": 3}', "{"])
def test_a_file_that_is_none_has_no_results(tmp_path: Path, text: str | None):
    file = tmp_path / "tests.json"
    if text is not None:
        file.write_text(text)
    assert results.read(file) == {}


def test_any_change_of_the_sources_is_another_state(tmp_path: Path):
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    for folder in ("sluice", "docs", "deploy/compliance"):
        (tmp_path / folder).mkdir(parents=True)
    code = tmp_path / "sluice" / "a.py"
    code.write_text("a = 1\n")
    seen = [sources.fingerprint(tmp_path)]
    (tmp_path / "docs" / "a.md").write_text("Not tested.\n")
    (tmp_path / "deploy" / "compliance" / "controls.yaml").write_text("{}\n")
    git("add", ".")
    assert sources.fingerprint(tmp_path) == seen[0]
    code.write_text("a = 2\n")
    seen.append(sources.fingerprint(tmp_path))
    (tmp_path / "sluice" / "new.py").write_text("")
    seen.append(sources.fingerprint(tmp_path))
    code.unlink()
    seen.append(sources.fingerprint(tmp_path))
    assert len(set(seen)) == 4


def test_outside_of_a_repository_there_is_no_state(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="git does not list the files"):
        sources.fingerprint(tmp_path)
