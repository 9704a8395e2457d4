"""The reference page on controls: what is claimed and by what, without a word on how tests ended."""

from itertools import groupby

from local.compliance.controls import Control, controls
from local.compliance.findings import State


def compliance_page() -> str:
    """`docs/reference/compliance.md`."""
    lines = [_HEAD]
    for group, members in groupby(controls(), key=lambda control: control.group):
        lines += [f"## {group}", ""]
        for control in members:
            lines += _control(control)
    return "\n".join(lines)


def _control(control: Control) -> list[str]:
    claim = f"*{control.claim}*"
    said = {State.PARTLY: f"{claim}. Missing: {control.why}.", State.NOT_APPLICABLE: f"{claim}: {control.why}."}
    lines = [f"### {control.id}", "", f"{control.title}.", "", said.get(control.claim, f"{claim}."), ""]
    return lines + [f"- `{name}`" for name in control.evidence] + ([""] if control.evidence else [])


_HEAD = """# Controls

`make compliance` prints each of these with its evidence and its state today, then the [data map](data-map.md), and
writes bills of materials (CycloneDX) to `.evidence/sbom` and the checklist to `.evidence/compliance.json`. What is
claimed here is the best that a control can be:

| State | Means |
|---|---|
| met, partly, not applicable | as claimed, and all evidence holds |
| not run | an audit of known vulnerabilities had no service to ask, or it did not know a package. Nothing is claimed |
| not shown | a test does not exist, never ran, was skipped or last ran on other sources: `make test` |
| failed | a test or a check failed |

Each run of pytest leaves its results in `.evidence/tests.json`, with a fingerprint of the sources that they belong to.

The command behind it, `.venv/bin/python -m local.compliance`, ends with 0 where nothing failed and everything is shown;
with 1 where not, or where a topic, field, column or store has no class, owner, purpose or end; with 3 where it cannot
work. An audit that was not run does not change that, unless `--require-audit` (`make compliance REQUIRE_AUDIT=1`) says
so: then it is 3. make itself ends with 2 whatever the command's code was, and prints that code (`Error 1`): who needs
to tell them apart runs the command. Licences that are taken, and vulnerabilities that nobody can do
anything about yet, are in `deploy/compliance/dependencies.yaml`.

What is new is classified where it is declared: a topic or a store in `avro/topics.yaml`, a field in
`avro/classification.yaml`, a column beside its description (`config: {meta: {classification: linked}}`); the owner of a
column is that of its model. Controls are in `deploy/compliance/controls.yaml`.
"""
