"""`python -m local.compliance`: needs what `make develop` installs."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from local import sources
from local.compliance import evidence, report, results
from local.compliance.checks import checks
from local.compliance.controls import controls, judge
from local.compliance.data_map import places
from local.compliance.unclassified import unclassified
from sluice.cli.leaving import ExitCode, leave
from sluice.errors import ConfigurationError
from sluice.paths import checkout


def compliance(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, nothing else.")] = False,
    require_audit: Annotated[bool, typer.Option(help="An audit that cannot be run ends it with 3.")] = False,
) -> None:
    """Which controls are met, by what evidence, and what is stored where."""
    try:
        code = run(checkout(), as_json, require_audit)
    except ConfigurationError as error:
        leave(ExitCode.MISSING, str(error))
    raise typer.Exit(int(code))


def run(root: Path, as_json: bool, require_audit: bool) -> ExitCode:
    """Raises ConfigurationError where it cannot work."""
    listed = controls()
    gaps = unclassified()
    names = [name for control in listed for name in control.evidence]
    findings = evidence.resolve(
        names,
        evidence.collect(root, evidence.files_named(names)),
        results.read(results.results_file()),
        sources.fingerprint(root),
        checks(root),
        evidence.gates(root / "Makefile"),
    )
    judged = [judge(control, findings) for control in listed]
    mapped = [] if gaps else places()
    document = json.dumps(report.document(judged, findings, gaps, mapped), indent=2) + "\n"
    results.evidence_folder().mkdir(exist_ok=True)
    (results.evidence_folder() / "compliance.json").write_text(document)
    text = document if as_json else "\n".join(report.lines(judged, findings, gaps, mapped)) + "\n"
    sys.stdout.write(text)
    return report.exit_code(judged, gaps, require_audit)


if __name__ == "__main__":
    typer.run(compliance)
