"""What `make test` needs beside Python packages: Chromium, PostgreSQL, the page, an OpenID provider, Kafka and Connect,
a schema registry, dbt. Installs, or says how.
"""

import os
import shutil
import subprocess
import sys

from connectors.dbt_environment import DbtEnvironment
from local import jars, page, registry
from local.connect import jars as connect_jars
from local.connect.postgres import find_programs
from sluice.errors import ConfigurationError
from sluice.paths import checkout

_NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = 3


def main() -> None:
    """Leave with 3 and the next step where something cannot be had."""
    try:
        page.build()
        page.install_beside(checkout() / "tests" / "oidc")
        jars.install(jars.kafka_lib())
        registry.install(registry.registry_home())
        connect_jars.install(connect_jars.connect_home())
        environment = DbtEnvironment(checkout())
        if not environment.ready:
            environment.make()
    except ConfigurationError as error:
        _leave(str(error))
    if find_chromium() is None:
        _install("chromium", "for the browser tests")
    if find_chromium() is None:
        _leave("The browser tests need Chromium. Install it as root with: apt-get install chromium")
    if find_programs() is None:
        _install("postgresql", "for the tests of Kafka Connect")
    if find_programs() is None:
        _leave("The tests of Kafka Connect need PostgreSQL. Install it as root with: apt-get install postgresql")


def find_chromium() -> str | None:
    """Path of a Chromium, or None."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def _install(package: str, purpose: str) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    sys.stdout.write(f"  … {package} (Debian's package, {purpose})\n")
    sys.stdout.flush()
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            _leave(f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}")


def _leave(message: str) -> None:
    sys.stderr.write(message + "\n")
    raise SystemExit(MISSING)


if __name__ == "__main__":
    main()
