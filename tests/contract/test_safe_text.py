"""mypy and the linter keep raw text behind the gate: the obvious ways past it do not check."""

import re
from pathlib import Path

from mypy import api

from sluice.paths import checkout

BYPASSES = Path(__file__).parent / "typing" / "bypasses.py"
MAKERS = {
    "cleared": {"agents/redact.py", "agents/answers.py"},
    "own_words": {"agents/prompting.py", "agents/respond.py", "agents/summary.py"},
    "read_back": {"agents/respond.py"},
}
"""Who may make safe text of a string."""


def test_every_bypass_is_refused_and_nothing_else():
    said, trouble, _status = api.run(["--config-file", str(checkout() / "pyproject.toml"), str(BYPASSES)])
    refused = {int(number) for number in re.findall(r"bypasses\.py:(\d+): error", said)}
    lines = BYPASSES.read_text().splitlines()
    assert refused == {number for number, line in enumerate(lines, 1) if line.endswith("# refused")}, said + trouble
    assert len(refused) >= 15


def python_files() -> list[Path]:
    packages = ("agents", "connectors", "gateway", "local", "sluice", "streams")
    found = [path for package in packages for path in (checkout() / package).rglob("*.py")]
    return [path for path in found if "node_modules" not in path.parts and path.name != "safe_text.py"]


def test_only_the_gates_make_safe_text():
    users: dict[str, set[str]] = {name: set() for name in MAKERS}
    for path in python_files():
        text = path.read_text()
        for name in MAKERS:
            if re.search(rf"safe_text import [^\n]*\b{name}\b|safe_text\.{name}\b", text):
                users[name].add(str(path.relative_to(checkout())))
        assert not re.search(r"cast\(\s*[\"']?SafeText|type: ignore\[[^\]]*\].*SafeText", text), path
    assert users == MAKERS
