"""What each released version was when it got its number.

A digest is written once. Without it nobody sees that a version was changed in the lock file together with its schema.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from sluice.contracts import Version, digest_of, label
from sluice.errors import ConfigurationError


def digests(path: Path) -> dict[str, str]:
    """By label, oldest first. Raises ConfigurationError where the file cannot be read."""
    try:
        found: dict[str, str] = {**json.loads(path.read_text())}
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"The digests {path} cannot be read ({type(error).__name__}). Restore them from version control."
        ) from error
    return found


def add_digests(path: Path, versions: Iterable[Version]) -> int:
    """How many versions had none. Digests that were written stay as they are."""
    before = digests(path)
    found = {label(version): digest_of(version) for version in versions} | before
    ordered = sorted(found.items(), key=lambda one: int(one[0].partition("-")[0]))
    path.write_text(json.dumps(dict(ordered), indent=1) + "\n")
    return len(found) - len(before)
