"""Every dependency pinned with a hash, and no word of where it comes from. Pure but for the files."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.compliance.findings import Finding, of_complaints

_PIN = re.compile(r"[A-Za-z0-9._-]+(\[[^\]]*\])?==[^=\s;\\]+")
_LOCKS = ("gateway/web/package-lock.json", "tests/oidc/package-lock.json")


def check(checkout: Path) -> Finding:
    """All constraints, all lock files."""
    complaints: list[str] = []
    for path in sorted((checkout / "constraints").glob("*.txt")):
        complaints += (f"{path.name}: {wrong}" for wrong in complaints_about_pins(path.read_text()))
    for name in _LOCKS:
        lock = json.loads((checkout / name).read_text())
        complaints += (f"{name}: {wrong}" for wrong in complaints_about_lock(lock))
    return of_complaints(complaints)


def complaints_about_pins(text: str) -> Iterator[str]:
    """Of one file of pip's."""
    if "://" in text or re.search(r"^\s*--?(i|index-url|extra-index-url|find-links)\b", text, re.MULTILINE):
        yield "names an address"
    for entry in re.split(r"\n(?=\S)", text.strip()):
        lines = [line for line in entry.splitlines() if line.strip() and not line.strip().startswith("#")]
        if lines and not _PIN.match(lines[0]):
            yield f"{lines[0].split()[0]} is not pinned"
        elif lines and "--hash=sha256:" not in entry:
            yield f"{lines[0].split()[0]} has no hash"


def complaints_about_lock(lock: Mapping[str, Any]) -> Iterator[str]:
    """Of one file of npm's. `""` is the package itself."""
    for name, package in lock["packages"].items():
        if name and not package.get("integrity"):
            yield f"{name} has no hash"
        if "resolved" in package:
            yield f"{name} names an address"
