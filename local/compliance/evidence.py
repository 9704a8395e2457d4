"""What evidence says today: tests by their last results, checks by being run, gates by standing in `make check`."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from local.compliance.findings import Finding, State
from local.compliance.results import Result

Check = Callable[[], Finding]
_TESTS, _CHECK, _GATE = "tests/", "check:", "gate:"
_AGAIN = "run `make test`"


def resolve(
    names: Iterable[str],
    collected: Iterable[str],
    results: Mapping[str, Result],
    sources: str,
    checks: Mapping[str, Check],
    gates: frozenset[str],
) -> dict[str, Finding]:
    """By name. Each check runs once."""
    nodes = list(collected)
    found = {}
    for name in dict.fromkeys(names):
        if name.startswith(_TESTS):
            found[name] = of_tests(name, nodes, results, sources)
        elif name.startswith(_GATE):
            gate = name.removeprefix(_GATE)
            found[name] = Finding(State.MET) if gate in gates else Finding(State.FAILED, "`make check` does not run it")
        elif (check := checks.get(name.removeprefix(_CHECK))) is not None:
            found[name] = check()
        else:
            found[name] = Finding(State.NOT_SHOWN, "there is no such evidence")
    return found


def of_tests(name: str, collected: Iterable[str], results: Mapping[str, Result], sources: str) -> Finding:
    """Of a file of tests, one test, or one case of it."""
    nodes = [node for node in collected if node == name or node.startswith((f"{name}::", f"{name}["))]
    if not nodes:
        return Finding(State.NOT_SHOWN, "there is no such test")
    last = {node: results.get(node) for node in nodes}
    current = {node: result.outcome for node, result in last.items() if result and result.sources == sources}
    if failed := [node for node, outcome in current.items() if outcome == "failed"]:
        return Finding(State.FAILED, f"{failed[0]} failed")
    if skipped := [node for node, outcome in current.items() if outcome == "skipped"]:
        return Finding(State.NOT_SHOWN, f"{skipped[0]} was skipped")
    if len(current) < len(nodes):
        missing = next(node for node in nodes if node not in current)
        why = "last ran on other sources" if last[missing] else "never ran"
        return Finding(State.NOT_SHOWN, f"{missing} {why}; {_AGAIN}")
    return Finding(State.MET)


def files_named(names: Iterable[str]) -> list[str]:
    """Files of tests that evidence names."""
    return sorted({name.partition("::")[0] for name in names if name.startswith(_TESTS)})


def collect(checkout: Path, files: Iterable[str]) -> list[str]:
    """Node ids as pytest finds them. A file that is not there, or does not import, has none."""
    there = [file for file in files if (checkout / file).is_file()]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", "--continue-on-collection-errors"]
    done = subprocess.run([*command, *there], cwd=checkout, capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if line.startswith(_TESTS) and "::" in line]


def gates(makefile: Path) -> frozenset[str]:
    """Tools that `make check` runs."""
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", makefile.read_text(), re.MULTILINE)
    return frozenset(re.findall(r"\$\(BIN\)/([\w-]+)", recipe[1])) if recipe else frozenset()
