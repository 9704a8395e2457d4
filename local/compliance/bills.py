"""Bills of materials in CycloneDX's JSON, from what is installed and from what is pinned. Nothing asks the network."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from local.compliance.findings import Finding, State
from local.compliance.tools import Ran, beside, run
from local.page import find_npm
from sluice.errors import ConfigurationError

IMAGES = ("gateway", "streams", "connectors")
NPM = {"page": "gateway/web", "test-openid-provider": "tests/oidc"}
INSTALLED = {"installed": sys.executable, "installed-dbt": ".venv-dbt/bin/python"}
"""With the tools of `make check` and `make test`."""
_SUFFIX = ".cdx.json"


def make(checkout: Path, folder: Path) -> Finding:
    """Write all bills. Not shown where one cannot be made, failed where one is none."""
    folder.mkdir(parents=True, exist_ok=True)
    components = 0
    for name, ran in _runs(checkout):
        if ran.status != 0:
            return Finding(State.NOT_SHOWN, f"the bill of {name} was not made: {ran.last_words}")
        if (wrong := invalid(ran.said)) is not None:
            return Finding(State.FAILED, f"the bill of {name} is no CycloneDX: {wrong}")
        (folder / f"{name}{_SUFFIX}").write_text(ran.said)
        components += len(json.loads(ran.said).get("components", ()))
    return Finding(State.MET) if components else Finding(State.FAILED, "no component is on any bill")


def with_licences(folder: Path) -> dict[str, Any]:
    """Bills that were made of packages and not of pins, which know no licences, by name."""
    return {name: json.loads((folder / f"{name}{_SUFFIX}").read_text()) for name in (*INSTALLED, *NPM)}


def invalid(text: str) -> str | None:
    """What the schema of its version says against a bill."""
    try:
        version = SchemaVersion.from_version(json.loads(text)["specVersion"])
    except (ValueError, KeyError, TypeError):
        return "it is no JSON with a known `specVersion`"
    wrong = JsonStrictValidator(version).validate_str(text)
    return None if wrong is None else str(wrong).splitlines()[0][:300]


def _runs(checkout: Path) -> Iterator[tuple[str, Ran]]:
    cyclonedx = beside("cyclonedx-py")
    project = ("--pyproject", "pyproject.toml")
    for name, python in INSTALLED.items():
        yield name, run([cyclonedx, "environment", *project, python], checkout)
    for name in IMAGES:
        yield name, run([cyclonedx, "requirements", *project, f"constraints/{name}.txt"], checkout)
    try:
        npm = [*find_npm(), "sbom", "--sbom-format", "cyclonedx", "--package-lock-only", "--offline"]
    except ConfigurationError as error:
        yield "page", Ran(None, "", str(error))
        return
    for name, place in NPM.items():
        yield name, run(npm, checkout / place)
