"""Runs of the warehouse, whoever begins them: the last one stands in `last-run.json` beside the warehouse."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from sluice.clock import Clock
from sluice.durable_files import write_durably
from sluice.errors import ConfigurationError


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
    """A run that is written down when it ends, however it ends but by the death of the process."""
    run = Run(clock())
    try:
        yield run
    except ConfigurationError as error:
        run.reason = str(error)
        raise
    finally:
        run.seconds = (clock() - run.begun_at).total_seconds()
        write_durably(_note(warehouse), msgspec.json.encode(run))


def last_run(warehouse: Path) -> Run | None:
    """None where nobody has built it yet, or the note cannot be read."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(_note(warehouse).read_bytes(), type=Run)
    return None


def _note(warehouse: Path) -> Path:
    return warehouse.parent / "last-run.json"
