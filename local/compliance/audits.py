"""Known vulnerabilities of what is pinned. The services that know them are on the network: without, nothing is claimed.

pip-audit ends well when a service knows none of the packages; here a package that was not looked at is one too many.
"""

import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local.compliance.bills import NPM
from local.compliance.findings import Finding, State
from local.compliance.tools import Ran, beside, run
from local.page import find_npm
from sluice.errors import ConfigurationError

_PINNED = ("develop", "dbt", "node", "local-llm")
_MOST = 10


def python(checkout: Path, accepted: Iterable[str]) -> Finding:
    """First one package: a service that does not answer for it is not asked for all."""
    ignored = [option for name in accepted for option in ("--ignore-vuln", name)]
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder) / "one.txt"
        one.write_text(first_pin((checkout / "constraints" / "develop.txt").read_text()) + "\n")
        probed = of_pip_audit(_pip_audit(checkout, ["--requirement", str(one), "--no-deps", *ignored]))
    if probed.state is State.NOT_RUN:
        return probed
    files = [option for name in _PINNED for option in ("--requirement", f"constraints/{name}.txt")]
    return of_pip_audit(_pip_audit(checkout, [*files, "--no-deps", *ignored]))


def first_pin(text: str) -> str:
    """`name==version`, without hashes and markers."""
    found = re.search(r"^[A-Za-z0-9._-]+==[^\s;\\]+", text, re.MULTILINE)
    if found is None:
        raise ConfigurationError("constraints/develop.txt has no pin. Run `make constraints`.")
    return found[0]


def _pip_audit(checkout: Path, options: list[str]) -> Ran:
    return run(
        [beside("pip-audit"), "--disable-pip", "--format", "json", "--progress-spinner", "off", *options], checkout
    )


def of_pip_audit(ran: Ran) -> Finding:
    """What its JSON means."""
    document = _json(ran)
    if document is None or "dependencies" not in document:
        return Finding(State.NOT_RUN, ran.last_words)
    packages = document["dependencies"]
    found = [
        f"{one['name']} {one['version']} ({', '.join(v['id'] for v in one['vulns'])})"
        for one in packages
        if one.get("vulns")
    ]
    if found:
        return Finding(State.FAILED, _some(found))
    if skipped := [one["skip_reason"] for one in packages if "skip_reason" in one]:
        return Finding(State.NOT_RUN, f"{len(skipped)} of {len(packages)} packages were not looked at: {skipped[0]}")
    return Finding(State.MET) if packages else Finding(State.NOT_RUN, "no package was looked at")


def npm(checkout: Path, accepted: Iterable[str]) -> Finding:
    """Of the page and of what tests it, by the registry that npm is set to."""
    known = set(accepted)
    try:
        command = [*find_npm(), "audit", "--json", "--package-lock-only"]
    except ConfigurationError as error:
        return Finding(State.NOT_RUN, str(error))
    findings = [of_npm_audit(run(command, checkout / place), known) for place in NPM.values()]
    return next((one for one in findings if one.state is not State.MET), Finding(State.MET))


def of_npm_audit(ran: Ran, accepted: set[str]) -> Finding:
    """What its JSON means."""
    document = _json(ran)
    if document is None or "vulnerabilities" not in document:
        return Finding(State.NOT_RUN, (document or {}).get("message") or ran.last_words)
    found = {
        f"{via['name']} ({Path(via['url']).name})"
        for package in document["vulnerabilities"].values()
        for via in package["via"]
        if isinstance(via, Mapping) and Path(via["url"]).name not in accepted
    }
    return Finding(State.FAILED, _some(sorted(found))) if found else Finding(State.MET)


def _json(ran: Ran) -> dict[str, Any] | None:
    try:
        document = json.loads(ran.said)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _some(found: list[str]) -> str:
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return ", ".join(found[:_MOST]) + more
