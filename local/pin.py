"""Pin all dependencies anew: `make constraints`. Hashes, but no index addresses, so that any mirror serves them."""

import subprocess
import sys
from pathlib import Path

from sluice.paths import checkout

_COMPILE = ["pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes"]
_QUIET = ["--no-emit-index-url", "--no-header", "--quiet"]
_PLATFORM = ["streams", "gateway", "connectors", "local"]
_DEVELOP = [*_PLATFORM, "check", "test"]


def main() -> None:
    """Everything first; the smaller sets follow its versions."""
    folder = checkout() / "constraints"
    uv = str(Path(sys.executable).with_name("uv"))

    def compile_(target: str, *sources: str) -> None:
        subprocess.run(
            [uv, *_COMPILE, *_QUIET, *sources, "-o", f"constraints/{target}.txt"], cwd=checkout(), check=True
        )

    for name in ("bootstrap", "node", "dbt", "bigquery-emulator"):
        compile_(name, f"constraints/{name}.in")
    compile_("local-llm", "--no-deps", "constraints/local-llm.in")
    compile_("develop", *_options(_DEVELOP), "pyproject.toml", "constraints/bootstrap.in")
    pins = folder / "pins.tmp"
    lines = (folder / "develop.txt").read_text().splitlines()
    pins.write_text("\n".join(line.removesuffix(" \\") for line in lines if line and line[0].isalnum()) + "\n")
    try:
        for name, extras in {
            "platform": _PLATFORM,
            "gateway": ["gateway"],
            "streams": ["streams"],
            "connectors": ["connectors"],
            "aws-kms": ["aws-kms"],
            "bigquery": ["bigquery"],
        }.items():
            boot = ["constraints/bootstrap.in"] if name == "platform" else []
            compile_(name, "-c", "constraints/pins.tmp", *_options(extras), "pyproject.toml", *boot)
    finally:
        pins.unlink()


def _options(extras: list[str]) -> list[str]:
    return [option for extra in extras for option in ("--extra", extra)]


if __name__ == "__main__":
    main()
