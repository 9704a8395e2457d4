"""Raw text stays behind the gate: mypy refuses the obvious ways past it, and what it cannot see is looked for here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mypy import api

from sluice.events import EVENT_TYPES
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


TEXT = {"question", "answer", "text", "content", "summary", "instructions", "stop", "comment", "context"}
"""Fields and variables that hold what somebody said."""
REPLACES = {("agents/redact.py", "stop"), ("gateway/hub.py", "text")}
"""What `replace` sets anew, which checks no types: in the gate, and where a reply is made of safe pieces."""
CODECS = {"sluice/codec.py"}
"""Who may make an event of what was read, which checks shapes and not where a text is from."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in python_files():
        yield str(path.relative_to(checkout())), ast.parse(path.read_text())


def called(call: ast.Call) -> str:
    """The last name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def names_in(node: ast.AST) -> set[str]:
    return {getattr(one, "id", "") or getattr(one, "attr", "") for one in ast.walk(node)}


def made_by(tree: ast.Module) -> set[str]:
    """The makers that a module can reach, however it imports them."""
    found = set()
    modules = {"safe_text"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "sluice.safe_text":
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules |= {alias.asname for alias in node.names if alias.asname and alias.name.endswith("safe_text")}
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", getattr(node.value, "attr", "")) in modules
    }
    return (found | used) & {*MAKERS, "*"}


def test_only_the_gates_make_safe_text():
    users: dict[str, set[str]] = {name: set() for name in MAKERS}
    for path, tree in trees():
        for name in made_by(tree):
            users[name].add(path)
    assert users == MAKERS


def test_nothing_is_said_to_be_safe_that_was_not_made_so():
    for path, tree in trees():
        for call in calls(tree):
            if called(call) in {"cast", "convert", "__new__", "decode"}:
                assert "SafeText" not in names_in(call), path
            assert called(call) != "__setattr__", path
    for path in python_files():
        assert not re.search(r"type: ignore\[[^\]]*\].*SafeText", path.read_text()), path


def test_replace_sets_no_text_but_in_the_gate():
    """`msgspec.structs.replace` takes anything for a field, so mypy does not help."""
    found = {
        (path, keyword.arg)
        for path, tree in trees()
        for call in calls(tree)
        if called(call) == "replace"
        for keyword in call.keywords
        if keyword.arg in TEXT
    }
    assert found == REPLACES


def test_events_are_made_of_bytes_by_the_codec_alone():
    events = {*EVENT_TYPES, "Exchange", "ContextMessage", "Sampling"}
    found = {
        path
        for path, tree in trees()
        for call in calls(tree)
        if called(call) in {"convert", "decode"} and (events | {"event_type"}) & names_in(call)
    }
    assert found == CODECS


def test_no_log_line_is_given_what_somebody_said():
    for path, tree in trees():
        for call in calls(tree):
            if called(call) == "fact":
                assert not TEXT & names_in(call), f"{path}:{call.lineno}"


@pytest.mark.parametrize(
    "source",
    [
        "from sluice.safe_text import (\n    cleared,\n)",
        "import sluice.safe_text as s\ns.cleared",
        "from sluice import safe_text as st\nst.cleared",
        "from sluice import safe_text\nsafe_text.cleared",
        "import sluice.safe_text\nsluice.safe_text.cleared",
    ],
)
def test_no_way_of_importing_hides_a_maker(source: str):
    assert made_by(ast.parse(source)) == {"cleared"}
