"""dbt's own environment, `.venv-dbt`: its requirements and the platform's exclude each other."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from sluice.errors import ConfigurationError

_STAMP = "made-from"


class DbtEnvironment:
    """Made from `constraints/dbt.txt`, and made again when that changes."""

    def __init__(self, checkout: Path) -> None:
        self._folder = checkout / ".venv-dbt"
        self._requirements = checkout / "constraints" / "dbt.txt"

    @property
    def dbt(self) -> Path:
        """The program."""
        return self._folder / "bin" / "dbt"

    @property
    def ready(self) -> bool:
        """Whether it is there, whole and of today's requirements."""
        stamp = self._folder / _STAMP
        return self.dbt.exists() and stamp.exists() and stamp.read_text() == self._wanted

    def make(self) -> None:
        """Raises ConfigurationError with the installer's last words where it cannot be made."""
        wanted = self._wanted
        uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
        if uv is None:
            raise ConfigurationError("uv is missing, which makes dbt's environment. `make up` brings it.")
        self._run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(self._folder)])
        python = self._folder / "bin" / "python"
        install = [uv, "pip", "install", "--python", str(python), "--quiet", "--compile-bytecode", "--require-hashes"]
        self._run([*install, "-r", str(self._requirements)])
        (self._folder / _STAMP).write_text(wanted)

    @property
    def _wanted(self) -> str:
        try:
            return hashlib.sha256(self._requirements.read_bytes()).hexdigest()
        except OSError:
            raise ConfigurationError(
                f"{self._requirements} is missing: the warehouse is built from a checkout of the repository."
            ) from None

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines()[-4:]
            raise ConfigurationError(
                f"dbt's environment {self._folder} could not be made. Check that the package index can be reached "
                "(network, proxy, PIP_INDEX_URL or UV_INDEX_URL) and run it again.\n  " + "\n  ".join(words)
            )
