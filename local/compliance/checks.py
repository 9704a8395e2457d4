"""The checks that controls name: each looks at configuration, and runs when `make compliance` does."""

from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml

from local.compliance import audits, bills, licences, pins, prompts
from local.compliance.evidence import Check
from local.compliance.findings import Finding, State, of_complaints
from local.compliance.results import evidence_folder
from local.compliance.unclassified import unclassified
from sluice.paths import data_folder


def checks(checkout: Path) -> dict[str, Check]:
    """By the name that follows `check:`."""
    listed = _dependencies()
    folder = evidence_folder() / "sbom"
    make_bills = cache(partial(bills.make, checkout, folder))

    def look_at_licences() -> Finding:
        made = make_bills()
        return licences.check(bills.with_licences(folder), listed["licences"]) if made.state is State.MET else made

    return {
        "classification": _classification,
        "pins": partial(pins.check, checkout),
        "prompts": prompts.check,
        "bill-of-materials": make_bills,
        "licences": look_at_licences,
        "audit-python": partial(audits.python, checkout, listed["vulnerabilities"]),
        "audit-npm": partial(audits.npm, checkout, listed["vulnerabilities"]),
    }


def _classification() -> Finding:
    return of_complaints(list(map(str, unclassified())))


def _dependencies() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((data_folder("deploy") / "compliance" / "dependencies.yaml").read_text())
    return document
