"""Licences of all components on the bills, against the list in `deploy/compliance/dependencies.yaml`. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.compliance.findings import Finding, of_complaints

_WORDS = re.compile(r"\b(?:AND|OR|WITH)\b|[()]")


def check(bills: Mapping[str, Any], listed: Mapping[str, Any]) -> Finding:
    """One finding for all bills, with every package that is not covered."""
    complaints = sorted(set(complaints_about((c for bill in bills.values() for c in bill["components"]), listed)))
    return of_complaints(complaints)


def complaints_about(components: Iterable[Mapping[str, Any]], listed: Mapping[str, Any]) -> Iterator[str]:
    """Packages whose licences are not all allowed: of several, none is chosen here."""
    allowed, packages = set(listed["allowed"]), listed["packages"]
    for component in components:
        name, said = component["name"], list(licences_of(component))
        if name in packages:
            continue
        if not said:
            yield f"{name} says no licence"
        elif strange := [licence for licence in said if licence not in allowed]:
            yield f"{name} is under {', '.join(strange)}"


def licences_of(component: Mapping[str, Any]) -> Iterator[str]:
    """Each name on its own, also of an expression."""
    for entry in component.get("licenses", ()):
        if "expression" in entry:
            yield from (part.strip() for part in _WORDS.split(entry["expression"]) if part.strip())
        else:
            yield entry["license"].get("id") or entry["license"]["name"]
