"""What templates may speak of: a bot's own name and description, neither people's words nor the platform's."""

from pathlib import Path

from jinja2 import Environment, meta

from local.compliance.findings import Finding, of_complaints
from sluice.paths import data_folder

_GIVEN = {"bot", "description"}


def check() -> Finding:
    """All templates of `deploy/prompts`."""
    complaints = [
        one for path in sorted((data_folder("deploy") / "prompts").rglob("*.j2")) for one in complaints_about(path)
    ]
    return of_complaints(complaints)


def complaints_about(path: Path) -> list[str]:
    """Names that a template uses and is not given."""
    used = meta.find_undeclared_variables(Environment(autoescape=True).parse(path.read_text()))
    return [f"{path.parent.name}/{path.name} speaks of {name}" for name in sorted(used - _GIVEN)]
