"""Runs other people's tools."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Ran:
    """What a tool said. `status` is None where it did not come to an end."""

    status: int | None
    said: str
    complained: str

    @property
    def last_words(self) -> str:
        """Why it went wrong, in a line."""
        lines = [line for line in (self.complained or self.said).splitlines() if line.strip()]
        return lines[-1].strip()[:300] if lines else "it said nothing"


def run(command: Sequence[str], folder: Path) -> Ran:
    """Never raises."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return Ran(None, "", f"no answer within {_SECONDS} s")
    except OSError as error:
        return Ran(None, "", f"{command[0]}: {error.strerror}")
    return Ran(done.returncode, done.stdout, done.stderr)


def beside(name: str) -> str:
    """A program of this environment."""
    return str(Path(sys.executable).with_name(name))
