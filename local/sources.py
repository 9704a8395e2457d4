"""What the sources are right now: two states that differ in a byte have two fingerprints."""

import hashlib
import subprocess
from pathlib import Path

from sluice.errors import ConfigurationError

_TESTED = (
    "agents",
    "avro",
    "connectors",
    "constraints",
    "dbt",
    "deploy",
    "gateway",
    "local",
    "sluice",
    "streams",
    "tests",
    "Makefile",
    "pyproject.toml",
)
_ASIDE = ":(exclude)deploy/compliance"
"""Says what tests prove, and is tested against them at once."""


def fingerprint(checkout: Path) -> str:
    """Of all files that tests are about, versioned or about to be. Raises ConfigurationError without git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *_TESTED, _ASIDE]
    try:
        done = subprocess.run(command, cwd=checkout, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"git does not list the files of {checkout} ({type(error).__name__}). Test results belong to a state of a "
            "repository: clone it, and install git."
        ) from error
    digest = hashlib.sha256()
    for name in sorted(set(done.stdout.split(b"\0")) - {b""}):
        path = checkout / name.decode()
        if path.is_file():  # not one that was deleted and not committed
            content = path.read_bytes()
            digest.update(b"%d %s %d\0" % (len(name), name, len(content)) + content)
    return digest.hexdigest()[:16]
