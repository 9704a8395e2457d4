"""Controls as `deploy/compliance/controls.yaml` lists them, and what their evidence makes of them.

What a control claims is the best it can be: evidence that failed, is missing or did not run takes it away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from local.compliance.findings import Finding, State
from sluice.errors import ConfigurationError
from sluice.paths import data_folder

_CLAIMS = {State.MET, State.PARTLY, State.NOT_APPLICABLE}
_WORST_FIRST = (State.FAILED, State.NOT_SHOWN, State.NOT_RUN)


@dataclass(frozen=True, slots=True)
class Control:
    """One promise to somebody who asks whether the platform is safe."""

    id: str
    title: str
    group: str
    claim: State
    evidence: tuple[str, ...]
    why: str
    """What is missing, or why it does not apply."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A control with its state today."""

    control: Control
    state: State


def judge(control: Control, findings: Mapping[str, Finding]) -> Judged:
    """Its claim, unless a piece of evidence says otherwise. The worst counts."""
    states = {findings[name].state for name in control.evidence}
    return Judged(control, next((bad for bad in _WORST_FIRST if bad in states), control.claim))


def controls() -> list[Control]:
    """All of the file. Raises ConfigurationError where it is wrong."""
    document = yaml.safe_load((data_folder("deploy") / "compliance" / "controls.yaml").read_text())
    return read(document)


def read(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Control]:
    """Raises ConfigurationError naming the control and what is wrong with it."""
    found = [_control(group, entry) for group, entries in groups.items() for entry in entries]
    twice = {one.id for one in found if sum(one.id == other.id for other in found) > 1}
    if twice:
        raise ConfigurationError(f"deploy/compliance/controls.yaml: {', '.join(sorted(twice))} is there twice.")
    return found


def _control(group: str, entry: Mapping[str, Any]) -> Control:
    name = str(entry.get("id", f"a control of {group}"))
    claim = str(entry.get("state", State.MET))
    why = str(entry.get("missing") or entry.get("because") or "")
    evidence = tuple(entry.get("evidence", ()))
    wrong = _wrong(entry, claim, evidence)
    if wrong:
        raise ConfigurationError(f"deploy/compliance/controls.yaml: {name} {wrong}.")
    return Control(name, entry["title"], group, State(claim), evidence, why)


def _wrong(entry: Mapping[str, Any], claim: str, evidence: tuple[str, ...]) -> str | None:
    if strange := set(entry) - {"id", "title", "state", "missing", "because", "evidence"}:
        return f"has unknown fields: {', '.join(sorted(strange))}"
    if not entry.get("title"):
        return "has no title"
    if claim not in _CLAIMS:
        return f"cannot claim to be `{claim}`"
    if claim != State.NOT_APPLICABLE and not evidence:
        return "has no evidence"
    if (claim == State.PARTLY) != bool(entry.get("missing")):
        return "is partly met and says what is `missing`, or neither"
    if (claim == State.NOT_APPLICABLE) != bool(entry.get("because")):
        return "does not apply and says `because`, or neither"
    return None
