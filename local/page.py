"""Build the chat page: npm where a fit Node is there, else Node from PyPI. The result is not under version control."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from sluice.errors import ConfigurationError
from sluice.paths import checkout

_STAMP = ".built-from"


def build() -> bool:
    """Bring `gateway/web/dist` up to date. False where it is.

    Raises ConfigurationError with the tool's own words where the build fails.
    """
    web = checkout() / "gateway" / "web"
    stamp = web / "dist" / _STAMP
    wanted = fingerprint(web)
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    npm = find_npm()
    _run([*npm, "ci", "--no-audit", "--no-fund"], web)
    _run([*npm, "run", "build"], web)
    stamp.write_text(wanted)
    return True


def install_beside(folder: Path) -> None:
    """Its locked npm packages, unless they are there. Raises ConfigurationError with npm's own words."""
    done, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        _run([*find_npm(), "ci", "--no-audit", "--no-fund"], folder)


def fingerprint(web: Path) -> str:
    """Hash of all sources of the page."""
    digest = hashlib.sha256()
    files = [
        p
        for p in sorted(web.rglob("*"))
        if p.is_file() and not {"node_modules", "dist"} & set(p.relative_to(web).parts)
    ]
    for path in files:
        digest.update(str(path.relative_to(web)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def find_npm() -> list[str]:
    """A command that runs npm on a Node that Vite takes (20.19 or newer, 22.12 or newer)."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm and node and is_fit(subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout):
        return [npm]
    requirements = checkout() / "constraints" / "node.txt"
    uv = Path(sys.executable).with_name("uv")
    target = Path(sys.executable).parent.parent / "node"
    if not (target / "bin").exists():
        _run([str(uv), "venv", "--quiet", "--python", sys.executable, str(target)], checkout())
        _run(
            [
                str(uv),
                "pip",
                "install",
                "--quiet",
                "--python",
                str(target / "bin" / "python"),
                "--require-hashes",
                "-r",
                str(requirements),
            ],
            checkout(),
        )
    return [str(target / "bin" / "npm")]


def is_fit(version: str) -> bool:
    """`v20.19.0` and the like."""
    match = re.fullmatch(r"v(\d+)\.(\d+)\.\d+\s*", version)
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def _run(command: list[str], folder: Path) -> None:
    inherited = os.environ  # noqa: TID251 (for a child process)
    beside = f"{Path(command[0]).parent}{os.pathsep}{inherited.get('PATH', '')}"  # where npm looks for its own node
    environment = inherited | {"PATH": beside}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        words = (done.stdout + done.stderr).strip()[-2000:]
        raise ConfigurationError(
            f"`{' '.join(command)}` failed in {folder}:\n{words}\n"
            "If a package could not be fetched, check the network or proxy; then run `make up` again."
        )
