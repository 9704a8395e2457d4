"""What controls name exists."""

import ast
from functools import cache

import pytest

from local.compliance.checks import checks
from local.compliance.controls import Control, controls
from local.compliance.evidence import gates
from sluice.paths import checkout


@cache
def defined_in(file: str) -> frozenset[str]:
    """Functions and classes with tests, as they stand in a file."""
    tree = ast.parse((checkout() / file).read_text())
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )


@pytest.mark.parametrize("control", controls(), ids=lambda control: control.id)
def test_what_a_control_names_is_there(control: Control):
    known_checks, known_gates = checks(checkout()), gates(checkout() / "Makefile")
    for name in control.evidence:
        kind, _, rest = name.partition(":")
        if name.startswith("tests/"):
            file, _, test = name.partition("::")
            assert (checkout() / file).is_file(), name
            assert not test or test.partition("[")[0] in defined_in(file), name
        else:
            assert rest in (known_checks if kind == "check" else known_gates), name


def test_the_promises_and_the_ten_risks_are_all_there():
    known = {control.id for control in controls()}
    assert {f"P{number}" for number in range(1, 9)} <= known
    assert {f"LLM{number:02}" for number in range(1, 11)} <= known
