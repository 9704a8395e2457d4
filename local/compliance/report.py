"""The checklist, for people and for programs. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from local.compliance.controls import Judged
from local.compliance.data_map import Place
from local.compliance.findings import Finding, State
from local.compliance.gaps import Gap
from sluice.cli.leaving import ExitCode

_MARKS = {State.MET: "✓", State.NOT_RUN: "?", State.NOT_SHOWN: "?", State.FAILED: "✗"}
_WIDTH = 14


def exit_code(judged: Sequence[Judged], gaps: Sequence[Gap], audit_required: bool) -> ExitCode:
    """See docs/reference/compliance.md."""
    states = {one.state for one in judged}
    if gaps or states & {State.FAILED, State.NOT_SHOWN}:
        return ExitCode.NO
    return ExitCode.MISSING if audit_required and State.NOT_RUN in states else ExitCode.DONE


def lines(
    judged: Sequence[Judged], findings: Mapping[str, Finding], gaps: Sequence[Gap], places: Sequence[Place]
) -> Iterator[str]:
    """For people."""
    for group, members in groupby(judged, key=lambda one: one.control.group):
        yield f"\n{group}\n"
        for one in members:
            yield f"{one.state:<{_WIDTH}} {one.control.id}: {one.control.title}"
            if one.control.why:
                why = "missing" if one.control.claim is State.PARTLY else "because"
                yield f"{'':<{_WIDTH}}   {why}: {one.control.why}"
            for name in one.control.evidence:
                found = findings[name]
                yield f"{'':<{_WIDTH}}   {_MARKS[found.state]} {name}{f': {found.why}' if found.why else ''}"
    yield "\nWhat is stored where: class; owner; how long; for what\n"
    for place in places:
        about = place.about
        yield f"{about.store} ({place.where}): {about.holds}"
        yield f"{'':<{_WIDTH}}   {about.classification}; {about.owner}; {about.kept}; {about.purpose}"
    if gaps:
        yield "\nWithout class, owner, purpose or end\n"
        yield from map(str, gaps)
    yield ""
    yield "COMPLIANCE " + " ".join(f"{name}={count}" for name, count in summary(judged, gaps).items())


def summary(judged: Sequence[Judged], gaps: Sequence[Gap]) -> dict[str, int]:
    """Controls by state, and what is not classified."""
    counted = Counter(one.state for one in judged)
    return {state.replace(" ", "_"): counted[state] for state in State} | {"gaps": len(gaps)}


def document(
    judged: Sequence[Judged], findings: Mapping[str, Finding], gaps: Sequence[Gap], places: Sequence[Place]
) -> dict[str, Any]:
    """For programs."""
    return {
        "summary": summary(judged, gaps),
        "controls": [
            {
                "id": one.control.id,
                "title": one.control.title,
                "group": one.control.group,
                "state": one.state,
                "claim": one.control.claim,
                "why": one.control.why,
                "evidence": [{"name": name, **asdict(findings[name])} for name in one.control.evidence],
            }
            for one in judged
        ],
        "gaps": [asdict(gap) for gap in gaps],
        "data_map": [{"where": place.where, **asdict(place.about)} for place in places],
    }
