"""Runs of the warehouse, whoever begins them: the last one stands in `last-run.json` beside the warehouse."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from sluice.clock import Clock
from sluice.durable_files import write_durably
from sluice.errors import ConfigurationError, Unavailable


class Run(msgspec.Struct):
    """`reason` is the first failure, or what kept dbt from beginning. `new_files` is how many were read."""

    begun_at: datetime
    seconds: float = 0.0
    result: Literal["built", "failed", "refused"] = "refused"
    reason: str | None = "ended in the middle"
    new_files: int = 0
    tests_failed: int = 0

    def ended(self, failures: Sequence[str], new_files: int) -> None:
        """Dbt came to its end."""
        self.result, self.reason = ("failed", failures[0]) if failures else ("built", None)
        self.new_files, self.tests_failed = new_files, len(failures)


@contextlib.contextmanager
def noted(warehouse: Path, clock: Clock) -> Iterator[Run]:
    """A run that is written down when it ends. Where the process dies in the middle, its begin is left."""
    run = Run(clock())
    write_durably(_begun(warehouse), msgspec.json.encode(run))
    try:
        yield run
    except (ConfigurationError, Unavailable) as error:
        run.result, run.reason = "refused" if isinstance(error, ConfigurationError) else "failed", str(error)
        raise
    finally:
        run.seconds = (clock() - run.begun_at).total_seconds()
        write_durably(_note(warehouse), msgspec.json.encode(run))
        _begun(warehouse).unlink(missing_ok=True)


def last_run(warehouse: Path) -> Run | None:
    """The last that ended. None where nobody has built it yet, or the note cannot be read."""
    return _read(_note(warehouse))


def begun_run(warehouse: Path) -> Run | None:
    """One that has not ended: it is at work, or was killed."""
    return _read(_begun(warehouse))


def _read(note: Path) -> Run | None:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(note.read_bytes(), type=Run)
    return None


def _begun(warehouse: Path) -> Path:
    return warehouse.parent / "begun-run.json"


def _note(warehouse: Path) -> Path:
    return warehouse.parent / "last-run.json"
