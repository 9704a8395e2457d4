"""Marks of commands that work without Kafka: on the disk before the act, in the audit log once the steward has them.

Whoever may write here may sign and copy keys without any command: this is a memory, not a proof, until it is in the
chain.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from sluice.audit import Mark
from sluice.durable_files import PRIVATE
from sluice.errors import ConfigurationError
from sluice.file_lock import locked

_OWED, _TAKEN, _LOCK = "owed.jsonl", "taken.jsonl", "_lock"


@dataclass(frozen=True, slots=True)
class OwedMarks:
    """In one folder, shared by the commands and the steward of a machine."""

    folder: Path

    def note(self, mark: Mark, now: datetime) -> None:
        """On the disk when this returns. Raises ConfigurationError where that cannot be."""
        noted = ", ".join([*([mark.reason] if mark.reason else []), f"noted {now:%Y-%m-%dT%H:%M:%SZ}"])
        line = json.dumps(asdict(replace(mark, reason=noted)))
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with locked(self.folder / _LOCK):
                owed = os.open(self.folder / _OWED, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
                with os.fdopen(owed, "w") as file:
                    file.write(f"\n{line}\n")  # whatever a crash has left before it
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise ConfigurationError(f"{self.folder} cannot be written ({error.strerror}): no mark, no act.") from None

    def settle(self, append: Callable[[list[Mark]], object]) -> int:
        """Hand them over; how many. What is not acknowledged is handed over again. Raises what `append` raises."""
        if not any((self.folder / name).exists() for name in (_OWED, _TAKEN)):
            return 0
        with locked(self.folder / _LOCK):
            if not (self.folder / _TAKEN).exists():
                (self.folder / _OWED).rename(self.folder / _TAKEN)
        marks = [*_read(self.folder / _TAKEN)]
        if marks:
            append(marks)
        (self.folder / _TAKEN).unlink()
        return len(marks)


def _read(path: Path) -> Iterator[Mark]:
    """What was written whole."""
    for line in path.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError, TypeError):
            yield Mark(**json.loads(line))
